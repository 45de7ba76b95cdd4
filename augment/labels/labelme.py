"""Labels in the files of labelme: one JSON per image, beside or apart from it.

Shapes lie on top of one another, later ones above: that is how labelme itself turns them into a mask. A hole is a
shape of the background upon the shape it is in.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from augment.errors import DataError
from augment.labels.names import name_of, values_by_name
from augment.labels.polygons import filled, layers

VERSION = '5.4.1'  # of the format: labelme 5 and 6 read it


def to_labelme(label: np.ndarray, classes: Sequence[str], image_path: str) -> dict[str, Any]:
    """The content of a labelme file for ``label`` (H, W) uint8; ``image_path`` as seen from the file."""
    return {
        'version': VERSION,
        'flags': {},
        'shapes': [_shape(name_of(value, classes), polygon) for value, polygon in layers(label)],
        'imagePath': image_path,
        'imageData': None,
        'imageHeight': label.shape[0],
        'imageWidth': label.shape[1],
    }


def _shape(name: str, polygon: np.ndarray) -> dict[str, Any]:
    points = polygon.astype(float).tolist()
    fixed = {'group_id': None, 'description': '', 'shape_type': 'polygon', 'flags': {}, 'mask': None}
    return {'label': name, 'points': points, **fixed}


def from_labelme(content: dict[str, Any], classes: Sequence[str]) -> np.ndarray:
    """The label (H, W) uint8 of a labelme file; DataError for unknown names, shapes without area, damaged ones."""
    try:
        shape = int(content['imageHeight']), int(content['imageWidth'])
        values, label = values_by_name(classes), np.zeros(shape, np.uint8)
        for number, drawn in enumerate(content['shapes'], start=1):
            if drawn['label'] not in values:
                raise DataError(f'shape {number} is called {drawn["label"]!r}; known: {", ".join(values)}')
            label[_pixels(drawn, number, shape)] = values[drawn['label']]
    except (KeyError, TypeError, IndexError, ValueError, UnidentifiedImageError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'damaged labelme file: {type(error).__name__} {error}') from error
    return label


def _pixels(drawn: dict[str, Any], number: int, shape: tuple[int, int]) -> np.ndarray:
    """The pixels (H, W) bool of one shape."""
    kind, points = drawn.get('shape_type') or 'polygon', np.asarray(drawn['points'], float).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise DataError(f'shape {number} has a point at {points[~np.isfinite(points).all(1)][0]}')
    if kind in ('polygon', 'oriented_rectangle') and len(points) > 2:
        return filled(points, shape)
    if kind == 'rectangle' and len(points) > 1:
        (x0, y0), (x1, y1) = points.min(0), points.max(0)
        return filled([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], shape)
    if kind == 'circle' and len(points) == 2:
        return _disc(points[0], float(np.hypot(*(points[1] - points[0]))), shape)
    if kind == 'mask':
        return _stamp(drawn['mask'], points[0], shape)
    raise DataError(f'shape {number} is a {kind} of {len(points)} points and has no area; draw a polygon instead')


def _disc(centre: np.ndarray, radius: float, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape) + 0.5
    return np.hypot(columns - centre[0], rows - centre[1]) <= radius


def _stamp(encoded: str, corner: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A small mask, PNG in base64, with its top left pixel at ``corner`` (x, y)."""
    small = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))).astype(bool)
    (left, top), pixels = corner.astype(int), np.zeros(shape, bool)
    space = pixels[top : top + small.shape[0], left : left + small.shape[1]]
    if left < 0 or top < 0 or space.shape != small.shape:
        raise DataError(f'a mask of {small.shape[1]} x {small.shape[0]} at ({left}, {top}) leaves the picture')
    space[:] = small
    return pixels

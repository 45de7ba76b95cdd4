"""Labels as COCO instances: a part of a defect is an annotation, a polygon or, where it has holes, run lengths."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PureWindowsPath
from typing import Any

import numpy as np
from scipy import ndimage

from augment.errors import DataError
from augment.labels import rle
from augment.labels.names import IGNORED, name_of, values_by_name
from augment.labels.polygons import CROSS, SQUARE, filled, outline


def to_coco(stem: str, label: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The content of a COCO file for one ``label`` (H, W) uint8.

    The background is no category, the id of the others is their value; 255 is one where it occurs.
    """
    height, width = label.shape
    values = [*range(1, len(classes)), *([IGNORED] if (label == IGNORED).any() else [])]
    parts = [(value, part) for value in values for part in _parts(label == value)]
    return {
        'images': [{'id': 1, 'file_name': f'{stem}.png', 'width': width, 'height': height}],
        'annotations': [_annotation(number, *part) for number, part in enumerate(parts, start=1)],
        'categories': [{'id': value, 'name': name_of(value, classes), 'supercategory': ''} for value in values],
    }


def joined(contents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Files of one image each as one file, numbered through."""
    images, annotations, categories = [], [], {}
    for number, content in enumerate(contents, start=1):
        images += [image | {'id': number} for image in content['images']]
        for annotation in content['annotations']:
            annotations.append(annotation | {'id': len(annotations) + 1, 'image_id': number})
        categories |= {category['id']: category for category in content['categories']}
    return {'images': images, 'annotations': annotations, 'categories': [*map(categories.get, sorted(categories))]}


def _parts(mask: np.ndarray) -> Iterator[np.ndarray]:
    """The connected parts of a mask, each (H, W) bool."""
    numbers, count = ndimage.label(mask, SQUARE)
    return (numbers == number for number in range(1, count + 1))


def _annotation(number: int, value: int, part: np.ndarray) -> dict[str, Any]:
    rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
    return {
        'id': number,
        'image_id': 1,
        'category_id': value,
        'segmentation': _segmentation(part),
        'area': int(part.sum()),
        'bbox': [left, top, width, height],
        'iscrowd': 0,
    }


def _segmentation(part: np.ndarray) -> list[list[int]] | dict[str, list[int]]:
    """COCO adds up the polygons of a part, so that no polygon can be a hole."""
    if (ndimage.binary_fill_holes(part, CROSS) != part).any():
        return rle.encode(part)
    return [outline(part).ravel().tolist()]


def from_coco(content: dict[str, Any], classes: Sequence[str]) -> dict[str, np.ndarray]:
    """The labels (H, W) uint8 of a COCO file, by the names of its images without suffix.

    An image without annotations is background. Categories are known by their names: tools number them anew. Later
    annotations lie above earlier ones. DataError for unknown names and for anything that does not fit.
    """
    try:
        names = {category['id']: category['name'] for category in content['categories']}
        images = {image['id']: image for image in content['images']}
        labels = {key: np.zeros((int(i['height']), int(i['width'])), np.uint8) for key, i in images.items()}
        for annotation in content['annotations']:
            _paint(labels[annotation['image_id']], annotation, names[annotation['category_id']], classes)
        return {
            PureWindowsPath(images[key]['file_name']).with_suffix('').as_posix(): label
            for key, label in labels.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'damaged COCO file: {type(error).__name__} {error}') from error


def _paint(label: np.ndarray, annotation: dict[str, Any], name: str, classes: Sequence[str]) -> None:
    values, place = values_by_name(classes), f'annotation {annotation["id"]}'
    if name not in values:
        raise DataError(f'{place} is called {name!r}; known: {", ".join(values)}')
    drawn = annotation['segmentation']
    if isinstance(drawn, dict):
        pixels = rle.decode(drawn)
        if pixels.shape != label.shape:
            raise DataError(f'{place}: run lengths of {pixels.shape[::-1]} pixels, image of {label.shape[::-1]}')
        label[pixels] = values[name]
        return
    for polygon in rle.as_polygons(drawn):
        label[filled(polygon, label.shape)] = values[name]

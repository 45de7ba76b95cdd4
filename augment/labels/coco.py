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

HEAD = {'info': {'description': 'Proposed labels of edited photographs'}, 'licenses': []}
Box = tuple[slice, slice]  # rows and columns


def to_coco(stem: str, label: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The content of a COCO file for one ``label`` (H, W) uint8.

    The background is no category, the id of the others is their value; 255 is one where it occurs.
    """
    height, width = label.shape
    values = [*range(1, len(classes)), *([IGNORED] if (label == IGNORED).any() else [])]
    parts = [(value, *part) for value in values for part in _parts(label == value)]
    return HEAD | {
        'images': [{'id': 1, 'file_name': f'{stem}.png', 'width': width, 'height': height}],
        'annotations': [_annotation(number, label.shape, *part) for number, part in enumerate(parts, start=1)],
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
    ordered = [categories[value] for value in sorted(categories)]
    return HEAD | {'images': images, 'annotations': annotations, 'categories': ordered}


def _parts(mask: np.ndarray) -> Iterator[tuple[Box, np.ndarray]]:
    """The connected parts of a mask: the box of each, and in it the part."""
    numbers, _ = ndimage.label(mask, SQUARE)
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        yield box, numbers[box] == number


def _annotation(number: int, shape: tuple[int, int], value: int, box: Box, part: np.ndarray) -> dict[str, Any]:
    rows, columns = box
    return {
        'id': number,
        'image_id': 1,
        'category_id': value,
        'segmentation': _segmentation(shape, box, part),
        'area': int(part.sum()),
        'bbox': [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
        'iscrowd': 0,
    }


def _segmentation(shape: tuple[int, int], box: Box, part: np.ndarray) -> list[list[int]] | dict[str, list[int]]:
    """COCO adds up the polygons of a part, so that no polygon can be a hole."""
    if (ndimage.binary_fill_holes(part, CROSS) == part).all():
        return [np.add(outline(part), (box[1].start, box[0].start)).ravel().tolist()]
    picture = np.zeros(shape, bool)
    picture[box] = part
    return rle.encode(picture)


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

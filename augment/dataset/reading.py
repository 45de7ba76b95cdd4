"""One photograph and its label from disk, checked; whatever is wrong is said with path and cure."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from augment.dataset.source import IGNORED, Item
from augment.errors import DataError

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
INDEX_MODES = ('1', 'L', 'P', 'I;16', 'I;16B', 'I')


def read_image(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned upright as training turns it; an alpha channel is dropped. Raises DataError."""
    with _decoding(path) as image:
        bits = str(image.tile[0].args) if image.tile else ''
        if ';16' in bits or image.mode.startswith(('I', 'F')):
            raise DataError(
                f'{path}: more than 8 bits a channel; convert it to 8, or edits would not fit the rest'
            )
        return np.array(ImageOps.exif_transpose(_loaded(image, path)).convert('RGB'))


def read_label(path: Path, shape: tuple[int, int], classes: Sequence[str]) -> np.ndarray:
    """(H, W) uint8 class indices. Raises DataError unless it is an index mask of ``shape`` with known values."""
    with _decoding(path) as image:
        if image.format == 'JPEG' or image.mode not in INDEX_MODES:
            raise DataError(
                f'{path}: no index mask ({image.format}, mode {image.mode}); save one 8-bit channel as PNG'
            )
        label = np.array(_loaded(image, path))
    if label.shape != shape:
        height, width = label.shape
        raise DataError(f'{path}: {width} x {height} pixels, but its image has {shape[1]} x {shape[0]}')
    allowed = range(len(classes) or IGNORED)
    foreign = [int(value) for value in np.unique(label) if value not in allowed and value != IGNORED]
    if foreign:
        known = f'0..{len(allowed) - 1} ({", ".join(classes)})' if classes else f'0..{IGNORED - 1}'
        raise DataError(f'{path}: label values {foreign} are none of {known} and {IGNORED}; correct the mask')
    return label.astype(np.uint8)


def read_pair(item: Item, labelled: bool, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Image and label of an item; no label where the set has none at all. Raises DataError."""
    image = read_image(item.image)
    if not labelled:
        return image, None
    if item.label is None:
        raise DataError(f'{item.image}: has no label; add ann_dir/train/{item.stem}.png, or remove the image')
    return image, read_label(item.label, image.shape[:2], classes)


def has_defect(label: np.ndarray) -> bool:
    """Whether any pixel is of a class other than the background."""
    return bool(np.any((label != 0) & (label != IGNORED)))


def _decoding(path: Path) -> Image.Image:
    """The opened image. Pillow refuses a truncated file, where other decoders return a half-grey picture."""
    try:
        return Image.open(path)
    except UNREADABLE as error:
        empty = path.is_file() and path.stat().st_size == 0
        what = 'an empty file' if empty else 'no image, or damaged'
        raise DataError(f'{path}: {what}; restore it from its source, or remove the pair') from error


def _loaded(image: Image.Image, path: Path) -> Image.Image:
    try:
        image.load()
    except UNREADABLE as error:
        raise DataError(f'{path}: damaged ({error}); restore it from its source, or remove the pair') from error
    return image

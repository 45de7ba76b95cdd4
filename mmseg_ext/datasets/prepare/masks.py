"""From the label files of downloads to class indices, (H, W) uint8 with 255 = ignore."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import loadmat

from mmseg_ext.errors import UsageError

IGNORE = 255
INTEGER_MODES = ('1', 'L', 'P', 'I', 'I;16', 'I;16B')


class UnmappedValuesError(ValueError):
    """A mask holds values that mean nothing; ``counts`` are their pixels, colours as 0xRRGGBB."""

    def __init__(self, counts: dict[int, int], colours: bool = False):
        super().__init__(f'{len(counts)} values without a class')
        self.counts, self.colours = counts, colours


@dataclass(frozen=True)
class ValueMap:
    """Class index of every mask value; with ``colours`` a value is 0xRRGGBB."""

    table: Mapping[int, int]
    colours: bool = False


def parse_values(pairs: Sequence[str], classes: Sequence[str]) -> ValueMap:
    """``['0=0', '255=scratch', '#ff0000=1', '128=255']``; without any, each class index stands for itself.

    Raises:
        UsageError: a pair that is none, no such class, a value given twice, grey values and colours together.
    """
    if not pairs:
        return ValueMap({**{index: index for index in range(len(classes))}, IGNORE: IGNORE})
    table: dict[int, int] = {}
    for pair in pairs:
        value, _, target = pair.partition('=')
        key = _parse_value(value, pair)
        if key in table:
            raise UsageError(f'--values {pair}: value {value} is given twice')
        table[key] = _parse_target(target, pair, classes)
    colours = {pair.startswith('#') for pair in pairs}
    if len(colours) > 1:
        raise UsageError('--values: grey values and colours together; a mask has one or the other')
    return ValueMap(table, colours.pop())


def _parse_value(text: str, pair: str) -> int:
    try:
        if text.startswith('#') and len(text) == 7:
            return int(text[1:], 16)
        return int(text)
    except ValueError:
        raise UsageError(f"--values {pair}: expected VALUE=CLASS, as 255=1 or '#ff0000=1'") from None


def _parse_target(text: str, pair: str, classes: Sequence[str]) -> int:
    if text in classes:
        return list(classes).index(text)
    if text.isdecimal() and (int(text) < len(classes) or int(text) == IGNORE):
        return int(text)
    raise UsageError(
        f'--values {pair}: no class "{text}"; give 0..{len(classes) - 1}, a class name or 255 (ignore)'
    )


def map_values(path: Path, values: ValueMap) -> np.ndarray:
    """The mask with each value replaced by its class.

    Raises:
        UnmappedValuesError: the values without a class, and how many pixels have them.
    """
    return lookup(_read_colours(path) if values.colours else _read_integers(path), values)


def lookup(raw: np.ndarray, values: ValueMap) -> np.ndarray:
    """Class indices (H, W) of raw values (H, W)."""
    found, inverse, counts = np.unique(raw, return_inverse=True, return_counts=True)
    unknown = {int(v): int(n) for v, n in zip(found, counts, strict=True) if int(v) not in values.table}
    if unknown:
        raise UnmappedValuesError(unknown, values.colours)
    indices = np.array([values.table[int(value)] for value in found], np.uint8)
    return indices[inverse].reshape(raw.shape)


def _read_integers(path: Path) -> np.ndarray:
    """One channel, or several that are equal; a palette image gives its indices."""
    with Image.open(path) as image:
        if image.mode in INTEGER_MODES:
            return np.asarray(image).astype(np.int64)
        channels = np.asarray(image.convert('RGB'))
    if (channels != channels[..., :1]).any():
        raise ValueError("a mask of colours: give --values '#RRGGBB=CLASS' …")
    return channels[..., 0].astype(np.int64)


def _read_colours(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        red, green, blue = np.moveaxis(np.asarray(image.convert('RGB')).astype(np.int64), -1, 0)
    return red << 16 | green << 8 | blue


def read_white(path: Path, index: int = 1, level: int = 128) -> np.ndarray:
    """``index`` where the mask is at least ``level`` bright, 0 elsewhere: soft edges are cut in the middle.

    A mask of 0 and 1 alone is taken at its word.
    """
    with Image.open(path) as image:
        grey = np.asarray(image.convert('L'))
    white = grey >= (level if grey.max(initial=0) > 1 else 1)
    return white.astype(np.uint8) * np.uint8(index)


def outside_ignored(path: Path, surface: Path) -> np.ndarray:
    """``read_white`` with 255 where ``surface`` is dark.

    Raises:
        ValueError: the two differ in size.
    """
    mask, inside = read_white(path), read_white(surface).astype(bool)
    if mask.shape != inside.shape:
        raise ValueError(f'its surface mask {surface.name} has another size')
    return np.where(inside, mask, np.uint8(IGNORE))


def read_segmentation(path: Path, values: ValueMap) -> np.ndarray:
    """The field ``groundTruth.Segmentation`` of a MATLAB file, its values mapped."""
    try:
        segmentation = loadmat(path, simplify_cells=True)['groundTruth']['Segmentation']
    except (KeyError, IndexError, TypeError, NotImplementedError) as error:
        raise ValueError(f'no groundTruth.Segmentation in it ({error})') from error
    return lookup(np.asarray(segmentation), values)

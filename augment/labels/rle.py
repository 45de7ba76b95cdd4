"""Run lengths as COCO writes them: down the columns, first the zeros, then the ones, and so on in turn."""

from collections.abc import Sequence

import numpy as np

from augment.errors import DataError


def encode(mask: np.ndarray) -> dict[str, list[int]]:
    """Run lengths of a mask (H, W) bool, not compressed: ``{'size': [H, W], 'counts': [...]}``."""
    pixels = mask.ravel(order='F')
    changes = np.flatnonzero(np.diff(pixels, prepend=False))
    return {'size': list(mask.shape), 'counts': np.diff(changes, prepend=0, append=pixels.size).tolist()}


def decode(content: dict) -> np.ndarray:
    """The mask (H, W) bool of run lengths, a list or COCO's compressed text; DataError when they do not fit."""
    height, width = content['size']
    counts = content['counts']
    counts = np.array(uncompressed(counts) if isinstance(counts, str) else counts, int)
    if (counts < 0).any() or counts.sum() != height * width:
        raise DataError(f'run lengths for {counts.sum()} pixels in an image of {width} x {height}')
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width, order='F')


def uncompressed(text: str) -> list[int]:
    """The run lengths of compressed text.

    Each character carries five bits of a number, low ones first, and whether more follow; the highest bit of the
    last one is the sign. From the fourth on, what is written is the difference to the run before the last.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (bits & 16) and 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts


def as_polygons(polygons: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """COCO's flat lists x, y, x, y, … as (N, 2) arrays; DataError for one that encloses nothing."""
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise DataError(f'a polygon of {len(polygon)} numbers; it takes pairs, at least three')
    return [np.array(polygon, float).reshape(-1, 2) for polygon in polygons]

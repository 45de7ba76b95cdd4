"""How well a prompt is answered: caught defects, quiet where there is none, and whether the prompt matters at all.

A model that is shown what to look for is asked twice. The prompt of a *positive* pair shows a type of defect that
the query has: the answer should meet it. That of a *negative* pair shows a type that the query lacks: the answer
should be empty. Catch rate, yield rate and PES, their mean, are those of the one-shot industrial inspection
challenge of VISION'24 (its winner: https://arxiv.org/abs/2409.13984), where a pair is caught at an IoU of at least
0.3 and quiet where the response rate lies below 0.000239, which is 250.6 pixels of an image of 1024 x 1024.

An average over none is NaN.
"""

import math
import zlib
from collections.abc import Sequence

import numpy as np

IOU_THRESHOLD = 0.3
RESPONSE_THRESHOLD = 0.000239


def response_rate(answer: np.ndarray, valid: np.ndarray) -> float:
    """Share (0..1) of the ``valid`` pixels (H, W) bool on which there is an ``answer`` (H, W) bool."""
    return _ratio((answer & valid).sum(), valid.sum())


def mask_iou(one: np.ndarray, other: np.ndarray, valid: np.ndarray) -> float:
    """IoU (0..1) of two masks (H, W) bool on the ``valid`` pixels; NaN where both are empty."""
    return _ratio((one & other & valid).sum(), ((one | other) & valid).sum())


def catch_rate(ious: Sequence[float], threshold: float = IOU_THRESHOLD) -> float:
    """Share (0..1) of the IoUs of positive pairs that reach the threshold; those that are NaN are left out."""
    known = _known(ious)
    return _ratio((known >= threshold).sum(), len(known))


def yield_curve(rates: Sequence[float], thresholds: Sequence[float]) -> np.ndarray:
    """Yield rate (K,), the share (0..1) of the response rates of negative pairs strictly below each threshold.

    NaN rates are left out.
    """
    known = np.sort(_known(rates))
    below = np.searchsorted(known, np.asarray(thresholds, float), side='left')
    return below / len(known) if len(known) else np.full(len(below), np.nan)


def yield_rate(rates: Sequence[float], threshold: float = RESPONSE_THRESHOLD) -> float:
    """``yield_curve`` at one threshold."""
    return float(yield_curve(rates, [threshold])[0])


def mean_known(values: Sequence[float]) -> float:
    """Mean of the values that are not NaN."""
    known = _known(values)
    return _ratio(known.sum(), len(known))


def packed_mask(mask: np.ndarray) -> bytes:
    """A mask (H, W) bool in few bytes: a bit a pixel, compressed. A small defect takes about a kilobyte."""
    return zlib.compress(np.packbits(mask).tobytes(), level=1)


def packed_iou(one: bytes, other: bytes) -> float:
    """IoU (0..1) of two packed masks of one size; 1 where both are empty, for then they are the same answer."""
    first, second = (np.frombuffer(zlib.decompress(each), np.uint8) for each in (one, other))
    union = np.bitwise_count(first | second).sum()
    return _ratio(np.bitwise_count(first & second).sum(), union) if union else 1.0


def _known(values: Sequence[float]) -> np.ndarray:
    values = np.asarray(values, float)
    return values[~np.isnan(values)]


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan

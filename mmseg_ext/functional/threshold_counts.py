"""Hits of a probability map at many thresholds, exactly, from one pass over its pixels.

The rank of a pixel is the number of thresholds it passes. It says all that counting needs: a pixel is predicted at
threshold k exactly when its rank exceeds k, and the highest rank in a disk belongs to its highest probability.
"""

from collections.abc import Sequence

import numpy as np
import torch

from mmseg_ext.functional.disk import disk_maximum

FLOATS, INTEGERS = (np.dtype('float32'), np.dtype('float64')), (np.dtype('uint8'), np.dtype('uint16'))
SAFE = 1e-3  # of a step: far above the rounding of float32, so that a guess is never too high


class Thresholds:
    """K ascending thresholds in 0..1, passed by p > t where ``strict``, else by p >= t.

    Probabilities are compared as float64, so a float32 map is judged by the values it really holds: its .29 is
    greater than the threshold .29.

    Raises ValueError when there is none, one is outside 0..1 or they do not ascend.
    """

    def __init__(self, values: Sequence[float], strict: bool) -> None:
        self.values, self.strict = np.asarray(values, dtype=np.float64), strict
        if self.values.ndim != 1 or not len(self.values):
            raise ValueError(f'thresholds must be a list of numbers, got {values!r}')
        if not ((self.values >= 0) & (self.values <= 1)).all() or not (np.diff(self.values) > 0).all():
            raise ValueError(f'thresholds must ascend within 0..1, got {values!r}')
        steps = np.linspace(self.values[0], self.values[-1], len(self.values))
        self.step = float(self.values[-1] - self.values[0]) / max(len(self.values) - 1, 1) or 1.0
        self.uniform = bool(np.abs(self.values - steps).max() < SAFE**2 * self.step)
        self._edges = {dtype: self._find_edges(dtype) for dtype in FLOATS}
        self._levels = {dtype: self._rank_levels(dtype) for dtype in INTEGERS}

    def __len__(self) -> int:
        return len(self.values)

    def ranks(self, probability: np.ndarray) -> np.ndarray:
        """How many thresholds each pixel passes, 0..K, of the shape of ``probability``; uint8 where K < 256.

        Maps of uint8 or uint16 mean value / 255 or value / 65535; others are floats in 0..1, and ValueError is
        raised where they are not.
        """
        if probability.dtype in INTEGERS:
            return self._levels[probability.dtype].take(probability)
        if probability.dtype not in FLOATS:
            probability = probability.astype(np.float32)
        if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
            found = f'{probability.min():g} to {probability.max():g}'
            raise ValueError(f'probabilities must be within 0..1, these are {found}; are they logits, or NaN?')
        edges = self._edges[probability.dtype]
        if not self.uniform:
            return np.searchsorted(edges[:-1], probability, side='right').astype(self._type)
        scale = probability.dtype.type(1 / self.step)
        guess = probability * scale
        guess += probability.dtype.type(1 - self.values[0] / self.step - SAFE)
        guess = guess.clip(0, len(self), out=guess).astype(self._type)
        guess += probability >= np.take(edges, guess)  # it was right, or one too low
        return guess

    @property
    def _type(self) -> type:
        return np.uint8 if len(self) < 256 else np.int32

    def _find_edges(self, dtype: np.dtype) -> np.ndarray:
        """(K + 1,): the smallest number of ``dtype`` that passes each threshold, and infinity."""
        edges = self.values.astype(dtype)
        low = edges.astype(np.float64) <= self.values if self.strict else edges.astype(np.float64) < self.values
        edges[low] = np.nextafter(edges[low], dtype.type(np.inf))
        return np.append(edges, dtype.type(np.inf))

    def _rank_levels(self, dtype: np.dtype) -> np.ndarray:
        """The rank of each value of an integer map."""
        top = np.iinfo(dtype).max
        side = 'left' if self.strict else 'right'
        return np.searchsorted(self.values, np.arange(top + 1) / top, side=side).astype(self._type)


def threshold_counts(ranks: np.ndarray, true: np.ndarray, thresholds: int, radius: float = 0.0) -> np.ndarray:
    """(K, 4) int64, a row a threshold: hits among the predicted, predicted, hits among the true, true pixels.

    ``ranks`` (H, W) are those of ``Thresholds``, ``true`` (H, W) is bool. A predicted pixel is a hit when a true
    one lies within ``radius`` pixels, a true one when a predicted one does: one pixel may serve many. Pixels that
    do not count have rank 0 and are not true.
    """
    predicted = _above(ranks, thresholds)
    total = np.full(thresholds, np.count_nonzero(true))
    if radius < 1:
        hits = _above(ranks[true], thresholds)
        return np.stack([hits, predicted, hits, total], axis=1)
    near = disk_maximum(true.view(np.uint8), radius).view(bool)
    reached = disk_maximum(ranks, radius)[true]
    return np.stack([_above(ranks[near], thresholds), predicted, _above(reached, thresholds), total], axis=1)


def _above(ranks: np.ndarray, thresholds: int) -> np.ndarray:
    """(K,) int64: how many ``ranks`` exceed 0, 1, … K - 1."""
    # torch counts bytes three times as fast as numpy, which makes them 64 bits wide first.
    histogram = torch.bincount(torch.from_numpy(ranks.ravel()), minlength=thresholds + 1).numpy()
    return histogram[::-1].cumsum()[::-1][1:]

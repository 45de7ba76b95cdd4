"""How far a score may be chance: of the test images (bootstrap) and of the trainings (Welch's t), and of both.

A resample is a test set of the same size, drawn from the images with replacement: a vector of how often each image
is in it. Pixel counts add up, so that the scores of R resamples are one product of weights and counts. The same
weights for two networks make their difference a paired one.

Efron & Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval); Welch, The generalization of
Student's problem, 1947; Zou & Donner, Construction of confidence limits about effect measures, 2008.
"""

import numpy as np
from scipy.special import ndtr, stdtrit

LEVEL = 0.95


def resample_weights(images: int, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """How often each image is in each resample, (R, N) float64; every row sums to N."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(images, np.full(images, 1 / images), size=resamples).astype(np.float64)


def defect_scores(counts: np.ndarray) -> np.ndarray:
    """IoU and recall of each class but the background, then their means: (..., C, 2) percent.

    ``counts`` are pixels, (..., C, 3): correct, labelled, predicted; class 0 is the background. What is undefined
    is NaN and left out of the mean, as in DefectMetric.
    """
    correct, labelled, predicted = np.moveaxis(counts[..., 1:, :].astype(np.float64), -1, 0)
    union = labelled + predicted - correct
    with np.errstate(invalid='ignore'):
        scores = 100 * np.stack([correct / union, correct / labelled], -1)
    return np.concatenate([scores, finite_mean(scores, -2)[..., None, :]], -2)


def resampled_scores(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``defect_scores`` in every resample, mean over trainings, (R, C, 2).

    ``counts`` are pixels, (S, N, C, 3) of S trainings and N images; ``weights`` are (R, N).

    A class that a resample has lost, because none of its images is in it, is left out there: NaN, and not in the
    mean. Otherwise one network would score 0 in it for a single wrong pixel, and another one nothing.
    """
    trainings, images, classes, kinds = counts.shape
    flat = np.moveaxis(counts, 1, 0).reshape(images, -1).astype(np.float64)
    pooled = (weights @ flat).reshape(-1, trainings, classes, kinds)
    lost = (pooled[..., 1] == 0) & (counts[..., 1].sum(1) > 0)
    pooled[lost] = 0
    return finite_mean(defect_scores(pooled), 1)


def finite_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is not NaN along ``axis``; NaN where nothing is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid='ignore'):
        return np.where(known, values, 0).sum(axis) / known.sum(axis)


def percentile_interval(values: np.ndarray, level: float | np.ndarray = LEVEL) -> np.ndarray:
    """The middle ``level`` of the resamples along the first axis, NaN left out: (2, ...) low and high.

    ``level`` may be one for each column; NaN where every resample is.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    last = np.maximum((~np.isnan(values)).sum(0) - 1, 0)
    return np.stack([_at(ordered, last, (1 + side * np.asarray(level)) / 2) for side in (-1, 1)])


def _at(ordered: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The quantile of entries 0 to ``last`` of each column, linear between neighbours."""
    position = share * last
    below = np.floor(position).astype(np.int64)
    low, high = (np.take_along_axis(ordered, np.minimum(index, last)[None], 0)[0] for index in (below, below + 1))
    return low + (position - below) * (high - low)


def expanded_level(samples: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """The level at which percentiles cover ``level`` when a score rests on that many images: 1 for fewer than two.

    Few images vary less among themselves than those that they stand for; percentiles are moved outwards by as much
    as a t interval is wider than a normal one (Hesterberg, What teachers should know about the bootstrap, 2015).
    """
    several = np.maximum(samples, 2)
    tail = ndtr(-np.sqrt(several / (several - 1)) * stdtrit(several - 1, (1 + level) / 2))
    return np.where(np.asarray(samples) < 2, 1.0, 1 - 2 * tail)


def welch_interval(one: np.ndarray, other: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Interval of mean(one) - mean(other) for two independent samples of unequal variance, each of two or more.

    (NaN, NaN) for a smaller one; a point when neither sample varies.
    """
    if min(len(one), len(other)) < 2:
        return np.nan, np.nan
    difference = np.mean(one) - np.mean(other)
    parts = np.array([np.var(sample, ddof=1) / len(sample) for sample in (one, other)])
    if not parts.sum():
        return float(difference), float(difference)
    freedom = parts.sum() ** 2 / (parts**2 / [len(one) - 1, len(other) - 1]).sum()
    half = stdtrit(freedom, (1 + level) / 2) * np.sqrt(parts.sum())
    return float(difference - half), float(difference + half)


def combined_interval(
    difference: float, one: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:
    """Interval of a difference with two independent noises, from the interval that each alone would give.

    Distances from the difference add in quadrature (Zou & Donner). Zero outside both intervals is not enough: with
    two noises of equal size that happens by chance in up to 16 % of the cases, not in 5.
    """
    below, above = (np.hypot(difference - one[side], difference - other[side]) for side in (0, 1))
    return float(difference - below), float(difference + above)

"""How many defect pixels each picture of a split gets: the shares of the whole are right by construction."""

from dataclasses import dataclass

import numpy as np

PIXELS = 512 * 512
PLAN = 2**31  # third word of the plan's seed: no picture has this number, so the plan shares no random stream


@dataclass(frozen=True)
class DefectKind:
    """Share of all pixels, share of pictures that show it, and the least and most pixels of one picture."""

    share: float
    presence: float
    least: int
    most: int


ATTACHED = DefectKind(share=0.0020, presence=0.70, least=90, most=2600)
BROKEN = DefectKind(share=0.0003, presence=0.30, least=130, most=720)


def plan_split(seed: int, split_index: int, count: int) -> np.ndarray:
    """Defect pixels per picture, (count, 2) int: attached, broken. Columns add up to their share of the split."""
    rng = np.random.default_rng([seed, split_index, PLAN])
    return np.stack([spread(rng, kind, count) for kind in (ATTACHED, BROKEN)], axis=1)


def spread(rng: np.random.Generator, kind: DefectKind, count: int) -> np.ndarray:
    """Pixels per picture, (count,) int: most pictures get few, some get many, the rest none.

    Limits hold as far as the total allows: two pictures cannot hold less than their sum.
    """
    total = round(kind.share * PIXELS * count)
    holders = min(count, max(1, round(kind.presence * count))) if count else 0
    areas = np.zeros(count, np.int64)
    if not holders:
        return areas
    weights = rng.lognormal(0, 0.6, holders)
    limits = min(kind.least, total // holders), max(kind.most, -(-total // holders))
    areas[rng.permutation(count)[:holders]] = divide(total, weights, *limits)
    return areas


def divide(total: int, weights: np.ndarray, least: int, most: int) -> np.ndarray:
    """Integers in [least, most] that add up to ``total`` and follow ``weights`` as well as the limits let them."""
    low, high = 0.0, total / weights.min()
    for _ in range(80):  # the clipped sum grows with the factor: halve the interval that holds the right one
        factor = (low + high) / 2
        low, high = (factor, high) if np.clip(weights * factor, least, most).sum() < total else (low, factor)
    areas = np.clip(np.floor(weights * high), least, most).astype(np.int64)
    order = np.argsort(-weights)
    while (rest := total - int(areas.sum())) != 0:
        step = 1 if rest > 0 else -1
        movable = [k for k in order if least <= areas[k] + step <= most][: abs(rest)]
        areas[movable] += step
    return areas

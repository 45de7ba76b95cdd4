"""A seeded split that keeps groups whole and gives each part its share of every class."""

from collections.abc import Mapping

import numpy as np

from mmseg_ext.datasets.prepare.download import SPLITS

DEFAULT_SHARES = (70.0, 15.0, 15.0)  # of train, val, test
MOST_TRIES, LEAST_TRIES, WORK = 1000, 20, 2_000_000
ABSENT = 100.0  # what a class that a part lacks costs: more than any unevenness
PASSES = 10


def open_shares(shares: tuple[float, float, float] | None, taken: set[str]) -> dict[str, float]:
    """Shares of the parts that no official split has filled, of sum 1; parts of share 0 are left out."""
    wanted = dict(zip(SPLITS, shares or DEFAULT_SHARES, strict=True))
    wanted = {name: share for name, share in wanted.items() if name not in taken and share > 0}
    return {name: share / sum(wanted.values()) for name, share in wanted.items()}


def assign(groups: np.ndarray, histograms: np.ndarray, shares: Mapping[str, float], seed: int) -> list[str]:
    """The part of each picture: no group in two, each class as evenly spread as possible.

    ``groups`` (N,) int; ``histograms`` (N, C) int, pixels of each class; ``shares`` of sum 1. The best of many
    seeded random assignments, which is then improved by moving one group at a time.
    """
    if not len(groups):
        return []
    names, wanted = list(shares), np.array(list(shares.values()))
    counts = group_counts(groups, histograms)
    rng = np.random.default_rng(seed)
    tries = int(np.clip(WORK // len(counts), LEAST_TRIES, MOST_TRIES))
    drawn = [draw(rng, counts[:, 0], wanted) for _ in range(tries)]
    best = min(drawn, key=lambda place: unevenness(part_sums(place, counts, len(names)), wanted))
    place = improve(rng, best, counts, wanted)
    return [names[part] for part in place[groups]]


def group_counts(groups: np.ndarray, histograms: np.ndarray) -> np.ndarray:
    """Of each group: pictures, pictures that show each class, pixels of each class, (G, 1 + 2C)."""
    each = np.hstack([np.ones((len(groups), 1)), histograms > 0, histograms])
    counts = np.zeros((groups.max() + 1, each.shape[1]))
    np.add.at(counts, groups, each)
    return counts


def draw(rng: np.random.Generator, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Part of each group, (G,): shuffled, then cut where the numbers of pictures reach the shares."""
    order = rng.permutation(len(sizes))
    middle = sizes[order].cumsum() - sizes[order] / 2
    place = np.empty(len(sizes), int)
    place[order] = np.searchsorted(shares.cumsum()[:-1] * sizes.sum(), middle)
    return place


def part_sums(place: np.ndarray, counts: np.ndarray, parts: int) -> np.ndarray:
    """``counts`` summed over the groups of each part, (parts, F); exact, since they are whole numbers."""
    return np.eye(parts)[place].T @ counts


def unevenness(sums: np.ndarray, shares: np.ndarray) -> float:
    """Mean square of how far, relative to its share, each part is from it; plus ``ABSENT`` for a missing class."""
    sums = sums[:, sums.any(0)]
    wanted = shares[:, None] * sums.sum(0)
    return float(((sums / wanted - 1) ** 2).mean() + ABSENT * (sums == 0).sum())


def improve(rng: np.random.Generator, place: np.ndarray, counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Move single groups to other parts as long as that makes the split more even."""
    place, sums = place.copy(), part_sums(place, counts, len(shares))
    cost = unevenness(sums, shares)
    for _ in range(PASSES):
        before = cost
        for group in rng.permutation(len(place)):
            for part in range(len(shares)):
                moved = sums.copy()
                moved[place[group]] -= counts[group]
                moved[part] += counts[group]
                if (new := unevenness(moved, shares)) < cost:
                    place[group], sums, cost = part, moved, new
        if cost == before:
            break
    return place

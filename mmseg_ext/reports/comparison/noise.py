"""Whether two rows of a table differ by more than chance: of the test images, of the trainings, of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_ext.functional.bootstrap import (
    combined_interval,
    defect_scores,
    expanded_level,
    percentile_interval,
    resample_weights,
    resampled_scores,
    welch_interval,
)
from mmseg_ext.reports.comparison.cells import (
    FEW_IMAGES,
    GAIN,
    INSIDE,
    LOSS,
    NO_COUNTS,
    ONE_SEED,
    Cell,
    Change,
    Interval,
)
from mmseg_ext.reports.comparison.records import RunRecord

FEWEST = 6  # test images with a class, below which an interval of 95 % was seen to hold the truth in 45 to 87 %
TOLERANCE = 1e-6  # percent, between the scores of a result and those of its pixel counts


@dataclass(frozen=True)
class Resampled:
    """Scores of one row in every resample, (R, C, 2) as from ``resampled_scores``, NaN where a class was lost.

    ``names`` are the images that were resampled, ``held`` (C, 2) how many of them hold what a score is about.
    """

    names: tuple[str, ...]
    held: np.ndarray
    scores: np.ndarray


class Noise:
    """Compares rows that were judged on the same test data; every row meets the same resamples."""

    def __init__(self) -> None:
        self._weights: dict[int, np.ndarray] = {}

    def resample(self, runs: Sequence[RunRecord]) -> Resampled | str:
        """The resampled scores of a row, or why there are none."""
        parts = [run.per_image and run.per_image.sorted() for run in runs]
        if None in parts:
            return 'test/per_image.csv holds no pixel counts'
        names = parts[0].names
        if any(part.names != names for part in parts) or len(set(names)) < len(names):
            return 'its runs do not name the same test images'
        if not all(_agree(run, part.counts) for run, part in zip(runs, parts, strict=True)):
            return 'test/per_image.csv is not of the result beside it'
        counts = np.stack([part.counts for part in parts])
        return Resampled(names, _held(counts[0]), resampled_scores(counts, self._of(len(names))))

    def _of(self, images: int) -> np.ndarray:
        if images not in self._weights:
            self._weights[images] = resample_weights(images)
        return self._weights[images]


def changes(
    one: Sequence[Cell], other: Sequence[Cell], noise: Resampled | str, other_noise: Resampled | str, against: str
) -> list[Change | None]:
    """How each cell of ``one`` differs from that of ``other``; None where either has no score."""
    images, few = _image_intervals(noise, other_noise, len(one))
    return [
        None if np.isnan(cell.mean - base.mean) else _change(cell, base, interval, small, against)
        for cell, base, interval, small in zip(one, other, images, few, strict=True)
    ]


def _image_intervals(one: Resampled | str, other: Resampled | str, cells: int) -> tuple[list, Sequence[bool]]:
    """The interval over test images for each cell or None, and whether it rests on few images."""
    if isinstance(one, str) or isinstance(other, str) or one.names != other.names:
        return [None] * cells, [False] * cells
    levels = expanded_level(one.held)
    intervals = percentile_interval(one.scores - other.scores, levels).reshape(2, -1).T
    known = [None if np.isnan(pair).any() else (float(pair[0]), float(pair[1])) for pair in intervals]
    return known, (one.held < FEWEST).ravel().tolist()


def _change(cell: Cell, base: Cell, images: Interval | None, few: bool, against: str) -> Change:
    difference = cell.mean - base.mean
    samples = [np.array([value for value in each.values if not np.isnan(value)]) for each in (cell, base)]
    welch = welch_interval(*samples)
    trainings = None if np.isnan(welch[0]) else welch
    both = combined_interval(difference, images, trainings) if images and trainings else None
    return Change(against, difference, images, trainings, both, _verdict(images, trainings, both, few))


def _verdict(images: Interval | None, trainings: Interval | None, both: Interval | None, few: bool) -> str:
    """Gain or loss only when zero lies outside the interval of both noises."""
    if trainings is None:
        return ONE_SEED
    if images is None:
        return NO_COUNTS
    if few:
        return FEW_IMAGES
    return GAIN if both[0] > 0 else LOSS if both[1] < 0 else INSIDE


def _held(counts: np.ndarray) -> np.ndarray:
    """Images that hold each defect class, and for the means the fewest of any class that there is: (C, 2)."""
    held = (counts[:, 1:, 1] > 0).sum(0)
    fewest = min((count for count in held if count), default=0)
    return np.repeat([*held, fewest], 2).reshape(-1, 2)


def _agree(run: RunRecord, counts: np.ndarray) -> bool:
    """Whether the pixel counts (N, C, 3) give the scores of the result."""
    said = [run.result['scores'].get(key) for key in ('mIoU_fg', 'mAcc_fg')]
    said = np.array([np.nan if value is None else value for value in said], np.float64)
    return np.allclose(defect_scores(counts.sum(0))[-1], said, rtol=0, atol=TOLERANCE, equal_nan=True)

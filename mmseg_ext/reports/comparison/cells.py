"""What a table of scores is made of: cells with mean and deviation, what changed and whether that is noise."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmseg_ext.reports.comparison.records import Comparison, RunRecord

GAIN, LOSS, INSIDE = 'gain', 'loss', 'inside the noise'
ONE_SEED = 'one seed: noise of training unknown'
NO_COUNTS = 'no pixel counts of the same test images: their noise is unknown'
FEW_IMAGES = 'too few test images with it'
RESUMED = '†'  # beside the number of seeds of a row with a run that was cut and continued
BETTER, WORSE, BEST, SECOND = 'better', 'worse', 'best', 'second'
Interval = tuple[float, float]


@dataclass(frozen=True)
class Change:
    """How far a mean lies above that of the row it is compared with, in points, with 95 % intervals.

    ``images`` is the interval over test images (paired bootstrap), ``trainings`` the one over seeds (Welch),
    ``both`` the two noises together; None where it cannot be known. ``verdict`` is GAIN or LOSS only when zero
    lies outside ``both``, INSIDE when it lies inside, and else says what is missing for a verdict.
    """

    against: str  # the row it is compared with, in words
    difference: float
    images: Interval | None
    trainings: Interval | None
    both: Interval | None
    verdict: str

    @property
    def inside(self) -> bool:
        """Whether zero lies inside the noise, as far as it is known: both noises, or else one of them."""
        known = [self.both] if self.both else [each for each in (self.images, self.trainings) if each]
        return any(low <= 0 <= high for low, high in known)


@dataclass(frozen=True)
class Cell:
    """One score of one row: ``values`` a seed each, NaN where undefined, as is ``mean`` without any.

    In percent, but for the scores of a protocol, which lie in 0..1.

    ``sd`` is the sample deviation, None for fewer than two values. ``mark`` is BETTER, WORSE, BEST, SECOND or
    empty; ``level`` says that the difference from the best one of its column is inside the noise (≈).
    """

    values: tuple[float, ...]
    mean: float
    sd: float | None
    mark: str = ''
    level: bool = False
    change: Change | None = None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> 'Cell':
        """The cell of these values; None is undefined."""
        values = tuple(float('nan') if value is None else float(value) for value in values)
        known = [value for value in values if not np.isnan(value)]
        mean = float(np.mean(known)) if known else float('nan')
        return cls(values, mean, float(np.std(known, ddof=1)) if len(known) > 1 else None)


@dataclass(frozen=True)
class Line:
    """A row of a table: ``runs`` are its finished ones, of ``planned``; without any its cells are undefined.

    ``notes`` are what a reader must know of it: seeds that are missing, runs that were resumed.
    """

    model: str
    group: str
    runs: tuple[RunRecord, ...]
    planned: int
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether there is any score."""
        return any(cell.mean == cell.mean for cell in self.cells)

    @property
    def label(self) -> str:
        """The row in words."""
        return ', '.join(filter(None, (self.model, self.group)))


@dataclass(frozen=True)
class Unfinished:
    """A run without a result: ``state`` is 'failed', 'begun' or 'new'; ``reason`` one line for people."""

    model: str
    group: str
    run: RunRecord
    state: str
    reason: str


@dataclass(frozen=True)
class ScoreTable:
    """All rows of a comparison that were judged on the same test data, a cell for each of ``keys``.

    ``headings`` stand above the scores, ``keys`` are their names in result.json. ``legend`` explains the marks,
    ``notes`` is what limits the comparison, a sentence each. Only the first table of a comparison has the runs
    without a result in ``unfinished`` and the rows without any.
    """

    comparison: Comparison
    title: str
    headings: tuple[str, ...]
    keys: tuple[str, ...]
    lines: tuple[Line, ...]
    legend: tuple[str, ...]
    notes: tuple[str, ...]
    unfinished: tuple[Unfinished, ...]

"""How the scores of a run are spread, and where the gates cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.quality import GATES, IDENTICAL
from augment.report.records import Line
from augment.report.wording import limit, wording

BINS = 30
SAME = 1e-6  # of the larger one; numbers that differ by less are drawn as one


@dataclass(frozen=True)
class Threshold:
    """A gate in a histogram: where it cuts, 0..1 of the width, and what it asks for."""

    gate: str
    place: float
    text: str
    at_least: bool


@dataclass(frozen=True)
class Histogram:
    """Edits by one score. ``bars``: counts (passed, failed) of ``BINS`` equal bins from ``low`` to ``high``.

    ``below`` and ``above`` count what lies beyond the axis, which is drawn in the first and in the last bin.
    ``identical``: how many have no number because nothing differs; ``highest``: the largest bar. ``failing`` edits
    of ``count`` lie beyond a threshold.
    """

    score: str
    low: float
    high: float
    bars: tuple[tuple[int, int], ...]
    highest: int
    below: int
    above: int
    thresholds: tuple[Threshold, ...]
    median: float
    count: int
    identical: int
    failing: int


def histograms(lines: Sequence[Line], gates: Mapping[str, Any]) -> list[Histogram]:
    """One for every score with a gate that any line has, in the order of the gates; ``gates`` are the settings."""
    scores = dict.fromkeys(gate.score for gate in GATES)
    values = {score: np.array([line.scores[score] for line in lines if score in line.scores]) for score in scores}
    return [_histogram(score, found, gates) for score, found in values.items() if len(found)]


def _histogram(score: str, values: np.ndarray, gates: Mapping[str, Any]) -> Histogram:
    own = [(each, gates[each.name]) for each in GATES if each.score == score and gates.get(each.name) is not None]
    inside = (values < IDENTICAL) | (wording(score).unit != 'dB')
    low, high = axis(values[inside], [threshold for _, threshold in own])
    passed = np.ones(len(values), bool)
    for gate, threshold in own:
        passed &= values >= threshold if gate.at_least else values <= threshold
    placed = values.clip(low, high)
    counts = [np.histogram(placed[inside & chosen], BINS, (low, high))[0] for chosen in (passed, ~passed)]
    return Histogram(
        score=score,
        low=low,
        high=high,
        bars=tuple((int(good), int(bad)) for good, bad in zip(*counts, strict=True)),
        highest=int(max(sum(counts))),
        below=int((values < low).sum()),
        above=int((values[inside] > high).sum()),
        thresholds=tuple(
            Threshold(gate.name, (value - low) / (high - low), limit(gate.name, value), gate.at_least)
            for gate, value in own
        ),
        median=float(np.median(values)),
        count=len(values),
        identical=int((~inside).sum()),
        failing=int((~passed).sum()),
    )


def axis(values: np.ndarray, thresholds: Sequence[float]) -> tuple[float, float]:
    """Where an axis begins and ends: with the middle 80 % of the values, the thresholds, and as much again.

    One value far off would else leave the others in one bin. There is a little air, so that nothing stands on the
    edge; the axis does not go below 0 where no number does.
    """
    within = [*(np.quantile(values, (0.1, 0.9)) if len(values) else (0.0, 1.0)), *thresholds]
    ends = [*within, *values]
    room = max(within) - min(within)
    low, high = max(min(ends), min(within) - room), min(max(ends), max(within) + room)
    air = 0.06 * (high - low) if high - low > SAME * max(abs(low), abs(high)) else 0.5
    return float(low - air if low < 0 or low > air else 0.0), float(high + air)

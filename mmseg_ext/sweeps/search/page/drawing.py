"""What all plots of a search share: the trials, and how they are marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.reports.page.style import BASELINE, DARK_FIRST
from mmseg_ext.sweeps.search.request import Request

FINISHED, BEST = DARK_FIRST[0], DARK_FIRST[1]
DOT = dict(ls='', marker='o', ms=7, color=FINISHED, alpha=0.75, mew=0)
STAR = dict(ls='', marker='*', ms=16, color=BEST, mec='black', mew=0.8)
PRUNED = dict(ls='', marker='o', ms=6, color=BASELINE, mfc='none', mew=1.2)
UNCUT = dict(clip_on=False, in_layout=False)  # whole at the edge of a panel, which makes no room for it
CROSS = dict(ls='', marker='x', ms=8, color='#A63A00', mew=2)


@dataclass(frozen=True)
class Drawing:
    """The trials of a search, the numbers of the best, what was asked, and short names of the parameters."""

    trials: Sequence[FrozenTrial]
    numbers: frozenset[int]
    request: Request
    names: Mapping[str, str]

    def of(self, state: TrialState) -> list[FrozenTrial]:
        """The trials in a state."""
        return [trial for trial in self.trials if trial.state == state]

    @property
    def finished(self) -> list[FrozenTrial]:
        """The trials with scores."""
        return self.of(TrialState.COMPLETE)

    @property
    def best(self) -> list[FrozenTrial]:
        """The best trials."""
        return [trial for trial in self.finished if trial.number in self.numbers]

    def metric(self, index: int) -> str:
        """The name of an objective."""
        return self.request.objectives[index].metric


def mark_below(axis: Axes, places: Sequence[float], look: Mapping[str, Any], label: str = '') -> None:
    """Marks at the lower edge for trials without a score that compares: there is none, or it is an early one."""
    if places:
        across = axis.get_xaxis_transform()
        axis.plot(places, [0.0] * len(places), transform=across, label=label, **UNCUT, **look)

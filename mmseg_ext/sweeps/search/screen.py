"""What a terminal shows of a search: a line for every trial that ends, and in the end what to do with the best."""

from collections.abc import Iterable
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from mmseg_ext.sweeps.progress.describe import duration
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.sharing import counted, place, reason_of
from mmseg_ext.sweeps.search.trials import SECONDS
from mmseg_ext.sweeps.search.winner import best_trials
from mmseg_ext.sweeps.search.wording import shown_scores, shown_values

WORDS = {TrialState.COMPLETE: 'finished', TrialState.PRUNED: 'pruned', TrialState.FAIL: 'failed'}


class Screen:
    """Tells the course of one search."""

    def __init__(self, study: optuna.Study, request: Request, slots: int) -> None:
        self.study, self.request = study, request
        self.console = Console(highlight=False, markup=False, emoji=False)
        over = sum(trial.state.is_finished() for trial in counted(study))
        before = f', {over} of them done before' if over else ''
        self._say(f'{study.study_name}: {request.trials} trials{before}, {slots} at once')
        self._say(f'objective {", ".join(map(str, request.objectives))}, on the validation split alone')
        if request.several and request.pruner != 'none':
            self._say('several objectives: no trial is given up early')

    def end(self, trial: FrozenTrial) -> None:
        """A trial is over."""
        over = sum(each.state.is_finished() for each in counted(self.study))
        took = f' ({duration(trial.user_attrs[SECONDS])})' if SECONDS in trial.user_attrs else ''
        style = 'red' if trial.state == TrialState.FAIL else ''
        head = f'{over:{len(str(self.request.trials))}}/{self.request.trials} {WORDS[trial.state]:8}'
        self._say(f'{head} trial {place(trial)}: {self._outcome(trial)}{took}', style)
        self._say(f'      {shown_values(trial)}')

    def finish(self, files: Iterable[Path]) -> None:
        """The search is over; ``files`` are what it leaves."""
        for trial in best_trials(self.study):
            self._say(f'best: trial {place(trial)}, {shown_scores(self.request, trial)}')
            self._say(f'      {shown_values(trial)}')
        open_ = sum(not trial.state.is_finished() for trial in counted(self.study))
        if open_:
            self._say(f'{open_} trials are not over: other processes have them, or the time was up')
        for file in files:
            self._say(str(file))

    def _outcome(self, trial: FrozenTrial) -> str:
        if trial.state != TrialState.COMPLETE:
            return reason_of(trial)
        best = ' (best so far)' if trial.number in {each.number for each in best_trials(self.study)} else ''
        return shown_scores(self.request, trial) + best

    def _say(self, text: str, style: str = '') -> None:
        self.console.print(text, style=style, soft_wrap=True)

"""One search from its request to the best recipe."""

import shlex
import sys
import time
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.engine import interrupt
from mmseg_ext.errors import RunError
from mmseg_ext.sweeps.jobs import Engine
from mmseg_ext.sweeps.search.fitting import check_space
from mmseg_ext.sweeps.search.page import write_page
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.screen import Screen
from mmseg_ext.sweeps.search.sharing import counted, reason_of
from mmseg_ext.sweeps.search.study import open_study
from mmseg_ext.sweeps.search.trials import Loop
from mmseg_ext.sweeps.search.winner import write_winners

PAGE_AGE = 60.0  # seconds after which the page is written anew when a trial ends


def run_search(request: Request, engine: Engine) -> optuna.Study:
    """Run trials until the study has ``request.trials``; then write the page, the best recipe and its sweep.

    Raises UsageError when space and recipe do not fit or the study is another one's, RunError when no trial at all
    has finished, and KeyboardInterrupt after a signal, with everything saved. The caller closes the engine.
    """
    check_space(request.space, request.base)
    study = open_study(request)
    with interrupt.listening():
        listener = _Listener(study, request, engine.slots)
        Loop(study, request, engine, listener).run()
        stopped = interrupt.requested()
    files = _write(study, request)
    if stopped:
        over = sum(trial.state.is_finished() for trial in counted(study))
        raise KeyboardInterrupt(f'stopped with {over} trials done; to go on: {shlex.join(sys.orig_argv)}')
    _check_success(study)
    listener.screen.finish(files)
    return study


class _Listener:
    """Tells the terminal of every trial that ends, and keeps the page up to date."""

    def __init__(self, study: optuna.Study, request: Request, slots: int) -> None:
        self.study, self.request, self.screen = study, request, Screen(study, request, slots)
        self.written = time.monotonic()

    def __call__(self, trial: FrozenTrial) -> None:
        self.screen.end(trial)
        if time.monotonic() - self.written > PAGE_AGE:
            _write(self.study, self.request)
            self.written = time.monotonic()


def _write(study: optuna.Study, request: Request) -> list[Path]:
    return [*write_winners(study, request), write_page(study, request)]


def _check_success(study: optuna.Study) -> None:
    failed = [trial for trial in counted(study) if trial.state == TrialState.FAIL]
    if failed and len(failed) == len(counted(study)):
        raise RunError(f'all {len(failed)} trials failed, the last one because: {reason_of(failed[-1])}')

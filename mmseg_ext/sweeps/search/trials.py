"""The loop of a search: ask for trials, start them on an engine, follow their curves, tell how they ended."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from mmengine.config import Config
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.engine import interrupt
from mmseg_ext.errors import UsageError, near
from mmseg_ext.files import writable_folder, write_json
from mmseg_ext.reports.curves import read_history
from mmseg_ext.score_names import is_of_class
from mmseg_ext.sweeps.engines.lock import BusyError
from mmseg_ext.sweeps.jobs import Ended, Engine, Job
from mmseg_ext.sweeps.search import sharing
from mmseg_ext.sweeps.search.fitting import applied
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.sampling import is_over
from mmseg_ext.sweeps.search.setting import Setting

POLL = 2.0  # seconds between two looks at the curves
SIGN = 60.0  # seconds between two signs of life
TRIAL = 'trial.json'  # in the folder of a trial: its values, what they set, how it ended
# User attributes of a trial, beside those of sharing.py.
VALUES, SWAPS, OPTIONS, SECONDS = 'values', 'swaps', 'options', 'seconds'
ITERATION, SCORES, DATA = 'iteration', 'scores', 'data'


@dataclass
class Running:
    """A trial under way. ``last`` is its last iteration, ``watched`` a score that every validation measures.

    ``over`` is the step at which it was given up; ``lost`` says that another process took it over.
    """

    trial: optuna.Trial
    job: Job
    last: int
    watched: str | None
    reported: set[int] = field(default_factory=set)
    over: int | None = None
    lost: bool = False
    seen: float = -math.inf


class Loop:
    """Runs trials until the study has enough of them; ``told`` hears of every trial that ends here."""

    def __init__(
        self, study: optuna.Study, request: Request, engine: Engine, told: Callable[[FrozenTrial], None]
    ) -> None:
        self.study, self.request, self.engine, self.told = study, request, engine, told
        self.running: dict[Path, Running] = {}
        self.until = time.monotonic() + (request.timeout or math.inf)

    def run(self) -> None:
        """Return when nothing is left to do here, or after a signal, with all trials saved and queued again."""
        with sharing.owner(self.request.folder) as self.who:
            try:
                while not interrupt.requested() and (self._fill() or self.running):
                    self._wait()
            finally:
                self._give_back()

    def _fill(self) -> bool:
        """Begin trials in the free slots; whether there was one to begin."""
        begun = False
        while len(self.running) < self.engine.slots and time.monotonic() < self.until:
            trial = sharing.next_trial(self.study, self.request.trials, self.who)
            if trial is None:
                break
            self._begin(trial)
            begun = True
        return begun

    def _wait(self) -> None:
        """See what has ended since, and look after what has not."""
        for ended in self.engine.ended(POLL) if self.running else ():
            self._end(ended)
        for running in self.running.values():
            if not running.lost:
                with self._or_lost(running):
                    self._look_at(running)

    def _begin(self, trial: optuna.Trial) -> None:
        folder = writable_folder(self.request.folder / trial.user_attrs[sharing.FOLDER])
        values = self.request.space.suggest(trial)
        trial.set_user_attr(VALUES, values)
        try:
            running = self._prepared(trial, folder, *applied(self.request.space, values, self.request.base))
            self._write_down(trial, folder, 'running')
            self.engine.start(running.job)
        except (UsageError, OSError) as error:
            self._tell(trial, folder, TrialState.FAIL, reason=str(error))
        else:
            self.running[folder] = running

    def _prepared(self, trial: optuna.Trial, folder: Path, setting: Setting, cfg: Config) -> Running:
        trial.set_user_attr(SWAPS, list(setting.swaps))
        trial.set_user_attr(OPTIONS, setting.options)
        reported = set(self._frozen(trial).intermediate_values)
        watched = cfg.default_hooks.checkpoint.get('save_best')
        return Running(trial, setting.job(folder), cfg.train_cfg.max_iters, watched, reported)

    def _look_at(self, running: Running) -> None:
        """Say that we are alive, report new points of the validation curve, and give up what is hopeless."""
        if time.monotonic() - running.seen > SIGN:
            running.seen = time.monotonic()
            running.trial.set_user_attr(sharing.BEAT, time.time())
        for step in self._report(running) if running.over is None else ():
            if is_over(running.trial, step, running.last):
                running.over = step
                self.engine.stop(running.job)
                return

    def _report(self, running: Running) -> Iterator[int]:
        """Report the new points of a validation curve one by one, and yield their steps."""
        history = read_history(running.job.folder / 'train')
        self._check_measured(running, history)
        points = {} if self.request.several else history.get(self.request.objectives[0].metric, {})
        for step, value in sorted(points.items()):
            if step not in running.reported and math.isfinite(value):
                running.reported.add(step)
                running.trial.report(value, step)
                yield step

    def _check_measured(self, running: Running, history: dict[str, dict[int, float]]) -> None:
        """UsageError at the first validation that lacks an objective: no trial of this search would have it."""
        missing = [each.metric for each in self.request.objectives if each.metric not in history]
        if missing and running.watched in history:
            steps = history[running.watched].keys()
            known = [name for name, points in history.items() if points.keys() == steps and name != 'step']
            raise UsageError(f'--objective {missing[0]}: not measured; did you mean {near(missing[0], known)}?')

    def _end(self, ended: Ended) -> None:
        running = self.running.pop(ended.job.folder)
        trial, folder = running.trial, ended.job.folder
        with self._or_lost(running):
            trial.set_user_attr(SECONDS, round(ended.seconds, 1))
            if ended.code == 0:
                list(self._report(running))
                self._end_measured(trial, folder)
            elif running.over is not None:
                self._tell(trial, folder, TrialState.PRUNED, reason=f'given up at iteration {running.over}')
            elif ended.code == BusyError.exit_code:
                sharing.requeue(self.study, self._frozen(trial), died=True)
            else:
                self._tell(trial, folder, TrialState.FAIL, reason=ended.reason or f'exit code {ended.code}')

    def _end_measured(self, trial: optuna.Trial, folder: Path) -> None:
        """A trial that was trained to the end; its objectives may still be no numbers."""
        result = json.loads((folder / 'train/result.json').read_text(encoding='utf-8'))
        scores, names = result['scores'], [objective.metric for objective in self.request.objectives]
        trial.set_user_attr(SCORES, {name: value for name, value in scores.items() if not is_of_class(name)})
        trial.set_user_attr(ITERATION, result['iteration'])
        trial.set_user_attr(DATA, [result['data_hash'], result['split_hash']])
        bad = [name for name in names if scores.get(name) is None]
        if bad:
            reason = f'{", ".join(bad)} of the validation split is not a number'
            self._tell(trial, folder, TrialState.FAIL, reason=reason)
        else:
            self._tell(trial, folder, TrialState.COMPLETE, [float(scores[name]) for name in names])

    def _tell(
        self,
        trial: optuna.Trial,
        folder: Path,
        state: TrialState,
        values: list[float] | None = None,
        reason: str = '',
    ) -> None:
        if reason:
            trial.set_user_attr(sharing.REASON, reason)
        if sharing.tell(self.study, trial.number, state=state, values=values):
            names = [objective.metric for objective in self.request.objectives]
            scores = dict(zip(names, values, strict=True)) if values else None
            self._write_down(trial, folder, state.name.lower(), scores=scores, reason=reason)
            self.told(self._frozen(trial))

    def _write_down(self, trial: optuna.Trial, folder: Path, state: str, **outcome: Any) -> None:
        """Leave what the trial is in its folder, for whoever finds that without the study."""
        kept = {name: trial.user_attrs.get(name) for name in (VALUES, SWAPS, OPTIONS)}
        about = dict(study=self.study.study_name, trial=sharing.place(self._frozen(trial)), state=state)
        write_json(folder / TRIAL, {**about, **kept, **outcome})

    def _give_back(self) -> None:
        """Let what still runs save and end, and queue it for whoever goes on with the study."""
        for running in self.running.values():
            if running.over is None and not running.lost:
                self.engine.stop(running.job)
        while self.running:
            for ended in self.engine.ended(POLL):
                running = self.running[ended.job.folder]
                if ended.code == 0 or running.over is not None:
                    self._end(ended)
                else:
                    del self.running[ended.job.folder]
                    sharing.requeue(self.study, self._frozen(running.trial), died=False)

    @contextmanager
    def _or_lost(self, running: Running) -> Iterator[None]:
        """Let go of a trial that another process took over, because this one gave no sign of life for too long."""
        try:
            yield
        except UpdateFinishedTrialError:
            running.lost = True
            if running.job.folder in self.running:
                self.engine.stop(running.job)

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[trial.number]

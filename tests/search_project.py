"""A search whose trials nobody trains: an engine that writes what a training would, by a formula.

from search_project import FakeEngine, make_request
request = make_request(project, tmp_path, trials=8)
run_search(request, FakeEngine(score=lambda options: 30.0))
"""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tiny_project import Project

from mmseg_ext.sweeps.jobs import Ended, Job
from mmseg_ext.sweeps.search.request import Request, read_objective
from mmseg_ext.sweeps.search.setting import Setting
from mmseg_ext.sweeps.search.space_file import read_space

LR = 'optim_wrapper.optimizer.lr'
SPACE = """
parameters:
  swap.losses: {choice: [dice_ce, focal, focal_tversky]}
  optim_wrapper.optimizer.lr: {log: [1e-4, 1e-1]}
  gamma:
    uniform: [0.5, 5]
    keys: [model.decode_head.loss_decode.gamma, model.auxiliary_head.*.loss_decode.gamma]
    when: {swap.losses: focal}
  train_dataloader.batch_size: {choice: [2, 4]}
"""
STEPS = (2, 4, 6)  # iterations at which a trial is validated


def make_request(project: Project, folder: Path, trials: int = 4, space: str = SPACE, **changes: Any) -> Request:
    """A search on a tiny project, with its study in ``folder``/work_dirs/P/search/S."""
    file = folder / 'space_tiny.yaml'
    file.write_text(space, encoding='utf-8')
    study = folder / 'work_dirs/P/search/S'
    request = Request(
        Setting(project.recipe),
        read_space(file),
        (read_objective('mIoU_fg'),),
        trials,
        study,
        str(study / 'journal.log'),
        pruner='none',
    )
    return replace(request, **changes)


def by_rate(job: Job) -> float:
    """A score that is best at a learning rate of 0.01 and better with focal."""
    return 50 - 10 * abs(math.log10(job.options[LR]) + 2) + 5 * ('losses=focal' in job.swaps)


class FakeEngine:
    """An Engine that needs no process; every call of ``ended`` brings all jobs to their next validation.

    Args:
        score: What a job reaches in the end; a text is why it fails, and nothing is written.
        slots: Jobs at once.
        extra: Other scores of a job's result.
        data: The hash of the data a job has found.
    """

    def __init__(
        self,
        score: Callable[[Job], float | str] = by_rate,
        slots: int = 1,
        extra: Callable[[Job], dict[str, float | None]] = lambda _: {},
        data: Callable[[Job], str] = lambda _: 'd',
    ) -> None:
        self.score, self.slots, self.extra, self.data = score, slots, extra, data
        self.begun: list[Job] = []
        self.stopped: list[Job] = []
        self.running: dict[Path, Job] = {}
        self._asked: set[Path] = set()
        self.closed = False

    def start(self, job: Job) -> None:
        assert len(self.running) < self.slots
        assert job.folder not in self.running
        assert not job.test
        self.begun.append(job)
        self._asked.discard(job.folder)
        self.running[job.folder] = job

    def ended(self, timeout: float) -> list[Ended]:
        return [end for job in [*self.running.values()] if (end := self._step(job))]

    def _step(self, job: Job) -> Ended | None:
        value = self.score(job)
        if job.folder in self._asked or isinstance(value, str):
            code, reason = (1, value) if isinstance(value, str) else (-15, 'stopped')
            del self.running[job.folder]
            return Ended(job, code, 1.0, reason)
        done = self.validated(job)
        if len(done) < len(STEPS):
            self._validate(job, STEPS[len(done)], value * (len(done) + 1) / len(STEPS))
            return None
        del self.running[job.folder]
        scores = {'mIoU_fg': value, **self.extra(job)}
        result = dict(scores=scores, iteration=STEPS[-1], data_hash=self.data(job), split_hash='s')
        (job.folder / 'train/result.json').write_text(json.dumps(result), encoding='utf-8')
        return Ended(job, 0, 1.0)

    def _validate(self, job: Job, step: int, value: float) -> None:
        file = job.folder / 'train/1/vis_data/scalars.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open('a', encoding='utf-8') as opened:
            opened.write(json.dumps({'loss': 1.0, 'step': step - 1}) + '\n')
            extra = {name: math.nan if each is None else each for name, each in self.extra(job).items()}
            opened.write(json.dumps({'mIoU_fg': value, 'aAcc': 99.0, **extra, 'step': step}) + '\n')

    def validated(self, job: Job) -> list[int]:
        """The steps that are in the history of a job."""
        file = job.folder / 'train/1/vis_data/scalars.json'
        rows = map(json.loads, file.read_text(encoding='utf-8').splitlines()) if file.exists() else ()
        return [row['step'] for row in rows if 'mIoU_fg' in row]

    def stop(self, job: Job) -> None:
        assert job.folder not in self._asked, 'asked again is at once'
        self._asked.add(job.folder)
        self.stopped.append(job)

    def close(self) -> None:
        self.closed = True

"""What a terminal shows of a sweep: a line for every run that ends, and below them one that moves."""

import json
from collections.abc import Collection

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from mmseg_ext.sweeps.jobs import LOG, Ended, Job
from mmseg_ext.sweeps.plans.plan import Plan
from mmseg_ext.sweeps.progress.describe import Outlook, duration, totals
from mmseg_ext.sweeps.progress.pace import Pace

SHOWN = ('mIoU_fg', 'mAcc_fg', 'PES')


class Screen:
    """Tells the course of ``plan``; a context, within which the moving line is shown if this is a terminal."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.total, self.finished, self.failed = plan, len(plan.jobs), 0, 0
        self.pace, self.console = Pace(), Console(highlight=False, markup=False, emoji=False)
        columns = SpinnerColumn(), BarColumn(), TextColumn('{task.description}', markup=False)
        self._bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self._task = self._bar.add_task(plan.name, total=self.total)

    def __enter__(self) -> 'Screen':
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, look: Outlook, slots: int) -> None:
        """What there is to do."""
        self.finished = sum(standing.state == 'finished' for standing in look.found)
        self._say(f'{self.plan.title}: {totals(look, slots)}')

    def end(self, ended: Ended) -> None:
        """A run is over."""
        self.pace.end(ended.job, not ended.code)
        if ended.code:
            self.failed += 1
            self._say(f'{self._place()} failed    {self._name(ended.job)}: {ended.reason}', 'red')
            self._say(f'      log: {ended.job.folder / LOG}')
        else:
            self.finished += 1
            self._say(f'{self._place()} finished  {self._name(ended.job)}: {_scores(ended)}{self._left()}')

    def elsewhere(self, job: Job) -> None:
        """A run was finished by another process."""
        self.finished += 1
        self._say(f'{self._place()} finished  {self._name(job)}: by another process')

    def stop(self, job: Job) -> None:
        """A run was stopped on purpose."""
        self._say(f'      stopped   {self._name(job)}')

    def move(self, running: Collection[Job]) -> None:
        """Look at the logs of the runs under way and renew the moving line."""
        self.pace.look(running)
        failed = f', {self.failed} failed' if self.failed else ''
        state = f'{self.finished}/{self.total} finished{failed}, {len(running)} under way{self._left()}'
        self._bar.update(self._task, description=state, completed=self._over + self.pace.under_way)

    @property
    def _over(self) -> int:
        return self.finished + self.failed

    def _left(self) -> str:
        left = self.pace.seconds_left(self.total - self._over)
        return f', about {duration(left)} left' if left else ''

    def _place(self) -> str:
        width = len(str(self.total))
        return f'{self._over:{width}}/{self.total}'

    def _name(self, job: Job) -> str:
        return job.folder.relative_to(self.plan.project / 'exp').as_posix()

    def _say(self, text: str, style: str = '') -> None:
        self.console.print(text, style=style, soft_wrap=True)


def _scores(ended: Ended) -> str:
    """``mIoU_fg 34.20, mAcc_fg 41.00 in 5 min`` of a run that has ended well."""
    file = ended.job.folder / ('test' if ended.job.test else 'train') / 'result.json'
    scores = json.loads(file.read_text(encoding='utf-8'))['scores']
    shown = [f'{name} {scores[name]:.2f}' for name in SHOWN if scores.get(name) is not None]
    return f'{", ".join(shown) or "done"} in {duration(ended.seconds)}'

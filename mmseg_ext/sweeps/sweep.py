"""Do the runs of a plan that are not finished, and say what has become of them."""

import shlex
import sys
from pathlib import Path

from mmseg_ext.engine import interrupt
from mmseg_ext.errors import DataError, UsageError, listed
from mmseg_ext.reports.comparison.text import project_text
from mmseg_ext.reports.page import write_report
from mmseg_ext.sweeps.engines.lock import BusyError, is_busy
from mmseg_ext.sweeps.engines.process import STOPPED
from mmseg_ext.sweeps.jobs import Ended, Engine, Job
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.needs import needs_text, to_prepare
from mmseg_ext.sweeps.plans.plan import Plan, save_plan
from mmseg_ext.sweeps.plans.prepare import prepare
from mmseg_ext.sweeps.progress.describe import outlook
from mmseg_ext.sweeps.progress.screen import Screen
from mmseg_ext.sweeps.progress.status import standing

TICK = 1.0  # seconds between two looks at the runs under way


def run_sweep(plan: Plan, engine: Engine) -> list[Ended]:
    """Train and test what of ``plan`` is not finished, ``engine.slots`` runs at once; then tables and report.

    Returns how the runs ended that this call has done. Several sweeps may work on one project: each takes the runs
    that no other has. The first Ctrl-C (or SIGTERM) lets the runs save; then KeyboardInterrupt is raised with a
    line on how to go on. A second one raises it at once; the caller closes the engine.
    Raises RunError when what the plan needs beforehand cannot be made, DataError when all runs lack their data.
    """
    with interrupt.listening():
        prepare(to_prepare(plan))
        with Screen(plan) as screen:
            work = _Sweep(plan, engine, screen)
            save_plan(plan)
            ended = work.run()
        if interrupt.requested():
            raise KeyboardInterrupt(_how_to_go_on(screen, ended))
    print(f'\n{project_text(plan.project, plan.name)}\n')
    for file in write_report(plan.project):
        print(file)
    return ended


def _how_to_go_on(screen: Screen, ended: list[Ended]) -> str:
    cut = sum(each.reason == STOPPED for each in ended)
    saved = f', {cut} cut and saved' if cut else ''
    counts = f'{screen.finished} of {screen.total} runs finished{saved}'
    return f'stopped with {counts}; to go on: {shlex.join(sys.orig_argv)}'


class _Sweep:
    """The runs of a plan on their way from ``pending`` over ``running`` to ``over``."""

    def __init__(self, plan: Plan, engine: Engine, screen: Screen) -> None:
        self.engine, self.screen, self.configs = engine, screen, JobConfigs()
        look = outlook(plan, self.configs)
        self.pending = [job for job in plan.jobs if look.standings[job.folder].state != 'finished']
        self.running: dict[Path, Job] = {}
        self.over: list[Ended] = []
        self.stopping = False
        if self.pending and all(self.configs.of(job).missing('train') for job in self.pending):
            raise DataError(listed(needs_text(plan, self.configs)))
        screen.begin(look, engine.slots)

    def run(self) -> list[Ended]:
        """Work until nothing is left, or until a signal; how the runs ended."""
        while self.pending or self.running:
            if interrupt.requested() and not self.stopping:
                self._stop()
            self._fill()
            self.screen.move(self.running.values())
            for ended in self.engine.ended(TICK):
                self._take(ended)
        return self.over

    def _stop(self) -> None:
        """Begin nothing more, and let the runs under way save."""
        self.stopping = True
        self.pending.clear()
        for job in self.running.values():
            self.engine.stop(job)

    def _fill(self) -> None:
        """Start runs while there are slots; those that other processes work on wait until they are free."""
        for job in [*self.pending]:
            if len(self.running) >= self.engine.slots:
                return
            if is_busy(job.folder):
                continue
            self.pending.remove(job)
            if standing(job, self.configs).state == 'finished':
                self.screen.elsewhere(job)
            else:
                self._start(job)

    def _start(self, job: Job) -> None:
        try:
            self.engine.start(job)
        except (UsageError, OSError) as error:
            self._take(Ended(job, 2, 0.0, str(error)))
        else:
            self.running[job.folder] = job

    def _take(self, ended: Ended) -> None:
        self.running.pop(ended.job.folder, None)
        if ended.code == BusyError.exit_code and not self.stopping:
            self.pending.append(ended.job)
            return
        self.over.append(ended)
        if ended.reason == STOPPED:
            self.screen.stop(ended.job)
        else:
            self.screen.end(ended)

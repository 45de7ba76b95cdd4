"""Runs as tasks of a Ray cluster: begun again elsewhere, from their last checkpoint, when their node dies."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines.process import THREADS, end_of
from mmseg_ext.sweeps.engines.ray_cluster import check_shared, connect, essence, import_ray, living_nodes
from mmseg_ext.sweeps.engines.ray_nodes import cpu_needs, gpu_needs
from mmseg_ext.sweeps.engines.ray_task import work
from mmseg_ext.sweeps.jobs import LOG, Ended, Job

RETRIES = 5  # nodes that may die under one run
VISIBLE = 90.0  # seconds after which every node sees what one has written to a shared file system
CLOSING = 10.0  # seconds in which runs that are not waited for should have ended
OURS = 'MMSEG_EXT_'  # what of the environment goes with a run: where data and caches are
LOST = 1  # the exit code of a run whose process ended well, or unheard


@dataclass
class _Running:
    job: Job
    task: Any
    since: float
    stopped: bool = False


class RayEngine:
    """An Engine (mmseg_ext.sweeps.jobs) whose jobs are tasks of a Ray cluster.

    Every node must see the current folder, and with it recipes, data and results, at the same path of a shared
    file system (which should know locks), and have this package installed. When a node dies, Ray begins its runs
    again on others, which wait until the former process is gone and go on from the last checkpoint. A run
    that fails by itself is not tried again.

    Args:
        gpus: GPUs to use, one for each run; 0: runs on CPUs; None: all GPUs of the cluster.
        jobs: Runs at once, at most. On CPUs each gets as many cores as so many runs leave it, one when None.
        address: HOST:PORT of the cluster's head, or ``auto``. None: that in $RAY_ADDRESS, else a cluster of this
            machine alone, which ends with ``close``.

    Raises UsageError when Ray is missing, no cluster answers at ``address``, a node does not see the current
    folder, or none has what a run needs.
    """

    def __init__(self, gpus: int | None = None, jobs: int | None = None, address: str | None = None) -> None:
        self._running: dict[Path, _Running] = {}
        self._joined = connect(address, gpus)
        try:
            self._find_room(gpus, jobs)
        except BaseException:
            self.close()
            raise

    def _find_room(self, gpus: int | None, jobs: int | None) -> None:
        check_shared(Path.cwd())
        nodes = living_nodes()
        has_gpus = any(node.resources.get('GPU') for node in nodes)
        self.needs = gpu_needs(nodes) if (has_gpus if gpus is None else gpus) else cpu_needs(nodes, jobs)
        self.most = min(filter(None, (gpus, jobs)), default=None)
        if not self.slots:
            raise UsageError(f'no node of the cluster has {self.needs}, which a run takes; see ray status')

    @property
    def slots(self) -> int:
        """How many runs fit at once on the nodes that there are now."""
        room = self.needs.fit_all(living_nodes())
        return room if self.most is None else min(room, self.most)

    def start(self, job: Job) -> None:
        """Hand a job to Ray, which starts it on a node that has room, or as soon as one has."""
        needs = dict(num_cpus=self.needs.cores, num_gpus=self.needs.gpus, memory=self.needs.memory or None)
        task = import_ray().remote(work).options(name=job.folder.name, max_retries=RETRIES, **needs)
        ref = task.remote(job, Path.cwd(), self.environment())
        self._running[job.folder] = _Running(job, ref, time.monotonic())

    def environment(self) -> dict[str, str]:
        """What the process of a run finds in its environment: its threads, our folders, and no GPU on CPUs.

        Which GPU it is given, Ray says on its node.
        """
        threads = os.environ.get(THREADS[0]) or str(max(self.needs.cores, 1))
        ours = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
        hidden = {} if self.needs.gpus else {'CUDA_VISIBLE_DEVICES': ''}
        return {**ours, **dict.fromkeys(THREADS, threads), **hidden}

    def ended(self, timeout: float) -> list[Ended]:
        """The jobs that have ended since the last call; waits up to ``timeout`` seconds for the first one."""
        tasks = {running.task: running for running in self._running.values()}
        if not tasks:
            time.sleep(timeout)
            return []
        import_ray().wait([*tasks], timeout=timeout)
        over, _ = import_ray().wait([*tasks], num_returns=len(tasks), timeout=0)
        return [self._end(tasks[task]) for task in over]

    def _end(self, over: _Running) -> Ended:
        del self._running[over.job.folder]
        ray = import_ray()
        try:
            code = ray.get(over.task)
        except ray.exceptions.TaskCancelledError:
            code = LOST
        except ray.exceptions.OutOfMemoryError:
            code = _note(over.job, 'Ray ended the run because its node was short of memory (OutOfMemoryError)')
        except ray.exceptions.RayError as error:
            code = _note(over.job, f'no node could finish the run: {essence(error)}')
        if code == 0 and not _is_visible(over.job):
            code = _note(over.job, 'its result is not seen here; all nodes must share the folder, at one path')
        return end_of(over.job, code, time.monotonic() - over.since, over.stopped)

    def stop(self, job: Job) -> None:
        """Ask a job to finish its iteration, save and end; one that has not begun never does. Again: at once.

        One that is over stays as it is.
        """
        running = self._running.get(job.folder)
        if running:
            running.stopped = True
            import_ray().cancel(running.task)

    def close(self) -> None:
        """End what is left, and leave the cluster if we have joined it; one of our own is gone then."""
        until = time.monotonic() + CLOSING
        while self._running and time.monotonic() < until:
            for running in self._running.values():
                self.stop(running.job)
            self.ended(1.0)
        if self._joined:
            import_ray().shutdown()
            self._joined = False


def _note(job: Job, text: str) -> int:
    """Write into the log of a run what the run cannot say itself; the exit code that goes with it."""
    with (job.folder / LOG).open('a', encoding='utf-8') as log:
        log.write(f'error: {text}\n')
    return LOST


def _is_visible(job: Job) -> bool:
    """Whether the result of a job that has ended well is seen here; a shared file system may take its time."""
    result = job.folder / ('test' if job.test else 'train') / 'result.json'
    until = time.monotonic() + VISIBLE
    while not result.is_file() and time.monotonic() < until:
        time.sleep(0.5)
    return result.is_file()

"""Runs as processes of this machine: a slot each, with its share of the cores and, where there are some, a GPU."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from mmseg_ext.engine.machine import cores
from mmseg_ext.sweeps.engines.process import THREADS, end_of, start_process
from mmseg_ext.sweeps.jobs import Ended, Job

POLL = 0.1  # seconds between two looks at the processes


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen
    slot: int
    since: float
    stopped: bool = False

    def kill(self) -> None:
        """End the process and its loaders at once."""
        self.stopped = True
        if self.process.poll() is None:  # its number is its own until we have asked how it ended
            os.killpg(self.process.pid, signal.SIGKILL)


class LocalEngine:
    """An Engine (mmseg_ext.sweeps.jobs) of ``slots`` processes of this machine.

    Args:
        slots: Runs at once. They share the cores equally, unless OMP_NUM_THREADS says how many each may use.
        gpus: Places in the list of usable GPUs, which CUDA_VISIBLE_DEVICES may have cut; dealt out to the slots in
            turn, so that more slots than GPUs share them. Without any, runs are kept off all GPUs.
    """

    def __init__(self, slots: int, gpus: tuple[int, ...] = ()) -> None:
        if slots < 1:
            raise ValueError(f'need at least one slot, got {slots}')
        self.slots, self.gpus = slots, gpus
        self._running: dict[Path, _Running] = {}

    def start(self, job: Job) -> None:
        """Begin a job in the first free slot."""
        taken = {running.slot for running in self._running.values()}
        slot = next(slot for slot in range(self.slots) if slot not in taken)
        process = start_process(job, self.environment(slot))
        self._running[job.folder] = _Running(job, process, slot, time.monotonic())

    def environment(self, slot: int) -> dict[str, str]:
        """What the process in ``slot`` finds in its environment: its threads and its GPU."""
        threads = os.environ.get(THREADS[0]) or str(max(cores() // self.slots, 1))
        return {**dict.fromkeys(THREADS, threads), 'CUDA_VISIBLE_DEVICES': self._gpu(slot)}

    def _gpu(self, slot: int) -> str:
        if not self.gpus:
            return ''
        usable = os.environ.get('CUDA_VISIBLE_DEVICES')
        place = self.gpus[slot % len(self.gpus)]
        return usable.split(',')[place].strip() if usable else str(place)

    def ended(self, timeout: float) -> list[Ended]:
        """The jobs that have ended since the last call; waits up to ``timeout`` seconds for the first one."""
        until = time.monotonic() + timeout
        while True:
            over = [each for each in self._running.values() if each.process.poll() is not None]
            if over or time.monotonic() >= until:
                return [self._end(each) for each in over]
            time.sleep(POLL)

    def _end(self, over: _Running) -> Ended:
        del self._running[over.job.folder]
        over.process.stdin.close()
        return end_of(over.job, over.process.returncode, time.monotonic() - over.since, over.stopped)

    def stop(self, job: Job) -> None:
        """Ask a job to finish its iteration, save and end. Asked again: at once. Of one that is over: nothing."""
        running = self._running.get(job.folder)
        if running is None or running.process.poll() is not None:
            return
        if running.stopped:
            running.kill()
        else:
            running.stopped = True
            running.process.terminate()

    def close(self) -> None:
        """End what is left at once."""
        for running in self._running.values():
            running.kill()
        for running in [*self._running.values()]:
            running.process.wait()
            self._end(running)

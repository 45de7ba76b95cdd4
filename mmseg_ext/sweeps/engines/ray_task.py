"""What a node of a cluster does for a run: start its process, wait for it, and pass on that it is to stop."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from mmseg_ext.sweeps.engines.process import start_process
from mmseg_ext.sweeps.jobs import Job

POLL = 0.1  # seconds between two looks at the process


def work(job: Job, folder: Path, environment: Mapping[str, str]) -> int:
    """The exit code of the process of ``job``, started in ``folder``.

    A KeyboardInterrupt, which is how Ray cancels a task, asks the process to save and end; a second one ends it at
    once. When this process is gone itself, the standard input of the run's ends, upon which that saves and stops.
    """
    # Where the cluster was started in the background, its processes ignore the signal that a cancelled task gets.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    process, asked = start_process(job, environment), False
    while True:
        try:
            return _wait(process)
        except KeyboardInterrupt:
            _end(process, at_once=asked)
            asked = True


def _wait(process: subprocess.Popen) -> int:
    """The exit code; looks again and again, because what Ray raises does not wake a process that sleeps."""
    while process.poll() is None:
        time.sleep(POLL)
    return process.returncode


def _end(process: subprocess.Popen, at_once: bool) -> None:
    if process.poll() is not None:  # its number is its own until we have asked how it ended
        return
    if at_once:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.terminate()  # not SIGINT: Ray blocks it in its processes, and theirs inherit that


def sees(file: str) -> bool:
    """Whether the node that this is called on sees ``file``."""
    return Path(file).is_file()

"""A job whose process runs a few lines of Python instead of a training, so that a test of an engine takes no time.

from script_job import ScriptJob, wait_until
job = ScriptJob(recipe, folder, code='raise MemoryError')
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from mmseg_ext.sweeps.jobs import Job


@dataclass(frozen=True)
class ScriptJob(Job):
    """Runs ``code``; all else is a Job's."""

    code: str = ''

    def command(self) -> list[str]:
        return [sys.executable, '-c', self.code]


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return once ``condition`` holds; fail when it does not within ``seconds``."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, 'waited in vain'
        time.sleep(0.02)

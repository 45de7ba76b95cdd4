"""One process a run: a lock in the folder of the run, which ends with the process that holds it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mmseg_ext.errors import RunError

LOCK = '.lock'
PATIENCE = 30.0  # seconds in which a process that was told to stop, and its loaders, should be gone


class BusyError(RunError):
    """Another process works on the run: exit code 75, by which whoever started this one knows to come back."""

    exit_code = 75


@contextmanager
def exclusive(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the run in ``folder``; BusyError when another process still has it after ``patience`` seconds."""
    with (folder / LOCK).open('w') as file:
        until = time.monotonic() + patience
        while not _taken(file):
            if time.monotonic() > until:
                raise BusyError(f'{folder}: another process works on this run; wait for it, or end it')
            time.sleep(0.2)
        yield


def is_busy(folder: Path) -> bool:
    """Whether a process works on the run in ``folder`` now."""
    path = folder / LOCK
    if not path.exists():
        return False
    with path.open('r+') as file:
        return not _taken(file)


def _taken(file: IO) -> bool:
    """Whether the lock is ours now; the system gives it back when the file is closed, or the process dies."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks, as on some clusters: there nobody can be kept apart
    return True

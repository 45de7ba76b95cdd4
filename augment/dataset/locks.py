"""One process a shard, and none beside the one that works on all of a set; a lock ends with its process."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from augment.dataset.shard import Shard
from augment.errors import RunError

LOCK = '.lock'


@contextmanager
def working_on(root: Path, shard: Shard) -> Iterator[None]:
    """Hold a share of the set in ``root``. RunError when another process works on it, or on all of the set."""
    with ExitStack() as stack:
        stack.enter_context(_held(root / LOCK, exclusive=shard.alone))
        if not shard.alone:
            stack.enter_context(_held(root / f'{LOCK}.{shard.index}-of-{shard.count}', exclusive=True))
        yield


@contextmanager
def _held(path: Path, exclusive: bool) -> Iterator[None]:
    with path.open('w') as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f'{path.parent}: another process works on this set; wait for it, or end it') from error
        except OSError:
            pass  # a file system without locks, as on some clusters: there nobody can be kept apart
        yield


@contextmanager
def briefly(path: Path) -> Iterator[None]:
    """Wait for the lock file ``path`` and hold it: for what several shards do to one file."""
    with path.open('w') as file:
        with suppress(OSError):  # as above
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

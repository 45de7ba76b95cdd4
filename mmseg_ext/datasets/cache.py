"""Arrays that are expensive to make from a file, kept on disk and mapped into memory."""

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from mmengine.logging import print_log
from torch.utils.data import get_worker_info

from mmseg_ext.datasets.cache_budget import ENTRY, PARTIAL, Budget
from mmseg_ext.datasets.cache_entry import Arrays, layout, read_entry, source_state, write_entry

SETTLED = 2 * 10**9  # nanoseconds; the coarsest clock of a file system (FAT) counts in steps of two seconds
_said: set[str] = set()


class ArrayCache:
    """What was made from a file, once, for all epochs, worker processes and runs that share ``folder``.

    An entry is used only while path, size and times of its file are what they were; another state of the file
    replaces it. Entries get their name when they are complete, and one that is cut short or no entry at all is
    made anew. So any number of processes may use and fill the folder at once, and deleting it, or any of its
    files, is safe at any moment. When the budget is used up, the disk nearly full or the folder read-only, what
    is there is still used and the rest is made each time; this is said once. A file of the last two seconds is
    not kept yet: it could change again without a trace. Pixels that go bad inside an entry of the right length
    are not noticed; that would mean reading all of it every time.

    Args:
        folder: Where entries are kept; made when the first one is.
        gb: Gigabytes (10**9 bytes) that all entries in the folder may take, whoever wrote them.
    """

    def __init__(self, folder: str | Path, gb: float) -> None:
        if not gb > 0:
            raise ValueError(f'a cache needs a budget of more than 0 GB, got {gb}; for none leave the cache out')
        self.folder, self.gb = Path(folder).absolute(), gb
        self._budget = Budget(self.folder, int(gb * 1e9))
        self._keeps = True

    def fetch(self, source: str | Path, make: Callable[[str | Path], Arrays]) -> Arrays:
        """``make(source)``, or what the folder has of it. Raises OSError when there is no such file."""
        state = source_state(source)
        entry = self.folder / (hashlib.sha256(os.fsencode(state[0])).hexdigest()[:32] + ENTRY)
        arrays = read_entry(entry, state)
        if arrays is None:
            arrays = make(source)
            if self._keeps and time.time_ns() - state[2] > SETTLED:
                self._keep(entry, state, arrays)
        return arrays

    def _keep(self, entry: Path, state: list, arrays: Arrays) -> None:
        """Write an entry, or say why no more are written."""
        size = layout(state, arrays)[2]
        try:
            reason = self._budget.reserve(size)
            if reason is None:
                self._write(entry, state, arrays, size)
        except OSError as error:
            reason = error.strerror or str(error)
        if reason is not None:
            self._keeps = False
            _say_once(
                f'{self.folder}: no more decoded images are kept there ({reason}), the others are decoded each '
                'time; raise its budget, free some space or delete the folder'
            )

    def _write(self, entry: Path, state: list, arrays: Arrays, size: int) -> None:
        # The name says what the file is going to weigh, for whoever counts meanwhile.
        partial = self.folder / f'.{size}.{uuid.uuid4().hex}{PARTIAL}'
        try:
            with partial.open('xb') as file:
                write_entry(file, state, arrays)
            self._budget.keep(partial, entry)
        except OSError:
            partial.unlink(missing_ok=True)
            self._budget.release(size)
            raise

    def __repr__(self) -> str:
        return f'{type(self).__name__}(folder={str(self.folder)!r}, gb={self.gb})'


def _say_once(text: str) -> None:
    """A warning in the log; of the workers of a run, which all meet the same wall, the first one speaks."""
    worker = get_worker_info()
    if text not in _said and (worker is None or worker.id == 0) and os.environ.get('RANK', '0') == '0':
        print_log(text, logger='current', level=logging.WARNING)
    _said.add(text)

"""The bytes that all processes of all runs may together keep in one folder."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmseg_ext.datasets.cache_entry import read_source, source_state

LEDGER, LENGTH = '.ledger', 128
ENTRY, PARTIAL = '.arrays', '.partial'
SPARE = 2 * 10**9  # bytes of the disk that are left to checkpoints, whatever the budget says
RECOUNT = 600  # seconds between two looks at the whole folder
ABANDONED = 3600  # seconds after which an unfinished file belongs to a process that is gone


class Budget:
    """Promises of space, kept in a locked file of the folder, so that the limit holds for all who share it.

    The file is counted anew from the folder when it is missing or damaged, and when the limit seems reached: then
    entries whose source is gone or has changed are deleted first. All methods raise OSError where the folder
    cannot be written to or its file system knows no locks.

    Args:
        folder: Where the entries are; made when it is missing.
        limit: Bytes.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit

    def reserve(self, size: int) -> str | None:
        """Promise ``size`` bytes; None, or the reason why there is no room."""
        with self._ledger() as ledger:
            full = ledger['bytes'] + size > self.limit
            if full and not 0 <= time.time() - ledger['counted'] < RECOUNT:
                ledger.update(_count(self.folder))
                full = ledger['bytes'] + size > self.limit
            if full:
                return f'its {self.limit / 1e9:g} GB are used up'
            if shutil.disk_usage(self.folder).free < size + SPARE:
                return f'the disk has less than {SPARE / 1e9:g} GB left'
            ledger['bytes'] += size
        return None

    def release(self, size: int) -> None:
        """Take a promise back."""
        with self._ledger() as ledger:
            ledger['bytes'] -= size

    def keep(self, partial: Path, entry: Path) -> None:
        """Give a finished file its name; one that it replaces no longer counts."""
        with self._ledger() as ledger:
            replaced = entry.stat().st_size if entry.exists() else 0
            partial.replace(entry)
            ledger['bytes'] -= replaced

    @contextmanager
    def _ledger(self) -> Iterator[dict[str, float]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / LEDGER
        path.touch()
        with path.open('r+b', buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
            ledger = _parse(file.read()) or _count(self.folder)
            yield ledger
            # Overwritten in one length: ext4 waits for the disk when a file is cut to nothing and written anew.
            os.pwrite(file.fileno(), json.dumps(ledger).encode().ljust(LENGTH), 0)


def _parse(text: bytes) -> dict[str, float] | None:
    try:
        ledger = json.loads(text)
        return {name: ledger[name] + 0 for name in ('bytes', 'counted')}
    except (ValueError, KeyError, TypeError):
        return None


def _count(folder: Path) -> dict[str, float]:
    """Delete what nobody can use any more; the bytes of the rest, unfinished files as they are going to be."""
    total = 0
    for file in folder.iterdir():
        with suppress(OSError, ValueError):  # a name that goes meanwhile, or is not ours
            if file.suffix == ENTRY:
                total += 0 if _remove(file, not _is_current(file)) else file.stat().st_size
            elif file.suffix == PARTIAL:
                abandoned = time.time() - file.stat().st_mtime > ABANDONED
                total += 0 if _remove(file, abandoned) else int(file.name.split('.')[1])
    return {'bytes': total, 'counted': time.time()}


def _remove(file: Path, unwanted: bool) -> bool:
    if unwanted:
        file.unlink()
    return unwanted


def _is_current(entry: Path) -> bool:
    """Whether the source of an entry is still there as the entry knows it."""
    source = read_source(entry)
    try:
        return source is not None and source_state(source[0]) == source
    except OSError:
        return False

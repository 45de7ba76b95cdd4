"""The journal of a set of edits: one line of JSON for each image and word, written when its files are on disk.

A line is appended and flushed to disk before the next edit begins, so that a kill loses one photograph's work at
most. A later line replaces an earlier one of the same id; when a run ends, only the last ones are left.
"""

import errno
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from augment.dataset.shard import Shard
from augment.errors import DataError
from augment.files import null_for_nan, write_text

MANIFEST = 'manifest.jsonl'
FINAL = ('ok', 'rejected', 'skipped')  # what is not tried again; failed is
STATES = ('ok', 'rejected', 'failed', 'skipped')
OF_SHARD = re.compile(r'manifest\.(\d+)-of-(\d+)\.jsonl')

Record = dict[str, Any]


def read_journal(path: Path) -> list[Record]:
    """All lines in order. A torn last one, as a kill leaves it, is dropped; any other damage is a DataError."""
    *lines, _ = path.read_text(encoding='utf-8', errors='replace').split('\n') if path.is_file() else ['']
    return [_record(line, f'{path}, line {number}') for number, line in enumerate(lines, 1)]


def _record(line: str, place: str) -> Record:
    try:
        record = json.loads(line)
        return {**record, 'id': record['id'], 'status': record['status']}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'{place}: damaged; delete the line, and what it spoke of is made again') from error


def shard_journals(root: Path) -> dict[Shard, Path]:
    """The journals that shards have left in a set, sorted."""
    found = [(OF_SHARD.fullmatch(path.name), path) for path in root.glob('manifest.*-of-*.jsonl')]
    shards = {Shard(int(match[1]), int(match[2])): path for match, path in found if match}
    return dict(sorted(shards.items(), key=lambda each: (each[0].count, each[0].index)))


def read_records(root: Path) -> dict[str, Record]:
    """Id -> the line that counts, from the manifest and from what shards have written since."""
    paths = [root / MANIFEST, *shard_journals(root).values()]
    return {record['id']: record for path in paths for record in read_journal(path)}


def write_records(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Replace a journal by these lines, sorted by id; whole or not at all."""
    ordered = sorted(records, key=lambda record: record['id'])
    write_text(path, ''.join(line_of(record) for record in ordered))


def line_of(record: Mapping[str, Any]) -> str:
    """A record as a line of a journal."""
    return json.dumps(null_for_nan(dict(record)), ensure_ascii=False) + '\n'


class Journal:
    """The journal that one process writes, and what all journals of the set say.

    Opening it drops a torn last line. ``records`` is kept up to date.
    """

    def __init__(self, root: Path, shard: Shard) -> None:
        self.root, self.path = root, root / shard.manifest
        self.records = read_records(root)
        if self.path.is_file():
            _drop_torn_line(self.path)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a line and wait until it is on disk; nothing of it stays when that fails."""
        content = line_of(record).encode()
        with self.path.open('ab', buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                if file.write(content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, before)
                raise
        self.records[record['id']] = json.loads(content)

    def compact(self) -> None:
        """Keep the line that counts for each id; the manifest takes in what shards have left."""
        lines = read_journal(self.path)
        shards = [*shard_journals(self.root).values()] if self.path.name == MANIFEST else []
        last = read_records(self.root) if shards else {record['id']: record for record in lines}
        if len(last) != len(lines) or shards:
            write_records(self.path, last.values())
        for path in shards:
            path.unlink()


def _drop_torn_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b'\n') + 1
    if whole < len(content):
        os.truncate(path, whole)

"""Shards joined to one manifest: nothing missing, nothing twice."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augment.dataset.locks import working_on
from augment.dataset.manifest import MANIFEST, Record, read_journal, shard_journals, write_records
from augment.dataset.outset import edit_id
from augment.dataset.runfile import read_run
from augment.dataset.shard import Shard
from augment.errors import DataError, UsageError
from augment.labels.review import write_coco


def merge_shards(root: Path) -> dict[str, dict[str, int]]:
    """Join the journals of a set into manifest.jsonl and delete them; returns word -> state -> number of edits.

    What a shard has written since the last merge replaces what that one knew. Raises UsageError when ``root`` is
    no set of edits, RunError while a process works on it, DataError when edits are missing, with the shards that
    have them, or were made by two shards.
    """
    run = read_run(root)
    if not run:
        raise UsageError(f'{root}: no set of edits, run.json is missing; give the --out of the shards')
    with working_on(root, Shard()):
        journals = shard_journals(root)
        merged = {record['id']: record for record in read_journal(root / MANIFEST)}
        merged |= _joined(journals)
        _check_complete(root, run, merged, journals)
        write_records(root / MANIFEST, merged.values())
        for path in journals.values():
            path.unlink()
        if (root / 'review/coco').is_dir():  # shards that wrote at one moment can have left some out
            write_coco(root / 'review')
    return _counted(merged.values())


def _joined(journals: Mapping[Shard, Path]) -> dict[str, Record]:
    """The lines that count of all shards. DataError for an edit that two shards have made."""
    found: dict[str, Record] = {}
    owners: dict[str, Shard] = {}
    for shard, path in journals.items():
        for record in {each['id']: each for each in read_journal(path)}.values():
            name = record['id']
            if name in found and found[name] != record:
                raise DataError(
                    f'{name}: made by shard {owners[name]} and by shard {shard}; '
                    f'delete one of {journals[owners[name]].name} and {path.name}, then merge again'
                )
            found[name], owners[name] = record, shard
    return found


def _check_complete(
    root: Path, run: Mapping[str, Any], merged: Mapping[str, Record], journals: Mapping[Shard, Path]
) -> None:
    """Raise DataError with a line for each shard that has not done all of its edits."""
    counts = {shard.count for shard in journals}
    count = max(counts, default=1)
    missing: Counter[int] = Counter()
    for stem in run['stems']:
        index = next(index for index in range(1, count + 1) if stem in Shard(index, count))
        missing[index] += sum(edit_id(stem, word) not in merged for word in run['words'])
    lines = [f'shard {index}/{count}: {missing[index]} edits' for index in sorted(missing) if missing[index]]
    if lines:
        again = 'give its command again' if count > 1 else 'give the command again'
        raise DataError(f'{root}: not finished, {again}; missing are\n' + '\n'.join(f'  {line}' for line in lines))


def _counted(records: Any) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record['word'], Counter())[record['status']] += 1
    return dict(sorted(counts.items()))

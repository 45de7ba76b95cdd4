"""The lines of the manifest: what an edit was made of, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augment.dataset.manifest import FINAL
from augment.dataset.outset import edit_id
from augment.dataset.photographs import Shot

if TYPE_CHECKING:
    from augment.job.attempts import Verdict

Record = dict[str, Any]


def is_done(record: Record | None, shot: Shot, root: Path) -> bool:
    """Whether an edit needs no work: it came to an end, of the same files, and what it wrote is there."""
    if record is None or record['status'] not in FINAL:
        return False
    written = [record['output'][key] for key in ('image', 'label') if record['output'].get(key)]
    same = {key: record['source'].get(key) for key in shot.hashes} == shot.hashes
    return same and all((root / name).is_file() for name in written)


def base_record(shot: Shot, word: str, status: str, **more: Any) -> Record:
    """A line with the same keys whatever became of the edit; ``more`` fills in what is known."""
    label = None if shot.item.label is None else str(shot.item.label)
    record = {
        'id': edit_id(shot.item.stem, word),
        'stem': shot.item.stem,
        'word': word,
        'status': status,
        'reason': None,
        'source': {'path': str(shot.item.image), 'label_path': label, **shot.hashes},
        'output': {},
        'prompts': {},
        'tokens': {},
        'windows': [],
        'scores': {},
        'failed_gates': [],
        'settings_hash': None,
        'seed': None,
        'runtime': {},
        'attempts': [],
        'seconds': 0.0,
        'peak_gib': None,
        'needs_review': False,
        'region_file': None,
        'error': None,
        'time': time.strftime('%Y-%m-%d %H:%M:%S'),
    }
    if more.keys() - record.keys():
        raise KeyError(*sorted(more.keys() - record.keys()))
    return record | more


def verdict_record(verdict: Verdict) -> Record:
    """What a verdict adds to a line."""
    edited = verdict.edited
    return {
        'windows': [[w.top, w.left, w.height, w.width] for w in edited.windows],
        'scores': verdict.scores,
        'failed_gates': verdict.failed,
        'attempts': verdict.attempts,
        'needs_review': bool(verdict.relabelled and verdict.relabelled.needs_review),
    }


def losses_log(verdicts: Sequence[Verdict]) -> Record:
    """What logs/<stem>.json holds: for each word its windows, and the losses of each step of their inversions."""
    return {
        verdict.edited.word: {
            'windows': [
                {'window': [w.top, w.left, w.height, w.width], 'steps': [_plain(step) for step in losses]}
                for w, losses in zip(verdict.edited.windows, verdict.edited.losses, strict=False)
            ],
            'stalled': verdict.edited.stalled,
            'attempts': verdict.attempts,
        }
        for verdict in verdicts
    }


def _plain(step: Any) -> Any:
    return asdict(step) if is_dataclass(step) else step

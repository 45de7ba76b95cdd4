"""Corrected labels take the place of the proposed ones in a set of edits: all of them, or none."""

import difflib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augment.dataset.manifest import read_records
from augment.dataset.outset import write_png
from augment.dataset.source import open_set
from augment.errors import DataError, UsageError, listed
from augment.files import sha256, write_text
from augment.labels.corrections import Correction, read_mask
from augment.labels.names import IGNORED, IGNORED_NAME
from augment.labels.review import LABELS

LABEL_DIR, IMPORTED = 'ann_dir/train', 'review/imported.jsonl'
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Change:
    """What a correction does to the edit ``id``: its ``old`` and ``new`` label, and the file of the new one."""

    id: str
    old: np.ndarray
    new: np.ndarray
    file: Path

    @property
    def pixels(self) -> int:
        """How many pixels get another value."""
        return int((self.old != self.new).sum())

    def told(self, classes: Sequence[str]) -> str:
        """A line for a person: ``crack 34 -> 41 pixels`` for every value whose number changed."""
        names = {IGNORED: 'not scored'} | dict(enumerate(classes))
        counts = [(value, *(int((mask == value).sum()) for mask in (self.old, self.new))) for value in names]
        told = [f'{names[v]} {before} -> {after}' for v, before, after in counts if v and before != after]
        return f'{self.id}: {self.pixels} pixels' + (f' ({", ".join(told)})' if told else '')


def class_names(root: Path) -> tuple[str, ...]:
    """The classes of a set of edits, from its meta.json or its review folder; UsageError without either."""
    source = open_set(root)
    labels = root / 'review' / LABELS
    if source.classes or not labels.is_file():
        names = source.classes
    else:
        names = tuple(name for name in labels.read_text(encoding='utf-8').splitlines() if name != IGNORED_NAME)
    if not names:
        raise UsageError(
            f'{root}: no class names; write them into {root / "meta.json"}: {{"classes": ["…", "…"]}}'
        )
    return names


def planned(
    root: Path, corrections: Sequence[Correction], problems: Sequence[str], classes: Sequence[str]
) -> list[Change]:
    """What the corrections would change; DataError with all that is wrong with them, after ``problems``."""
    known, edits = _labels(root), set(read_records(root))
    changes: dict[str, Change] = {}
    problems = [*problems]
    for correction in corrections:
        try:
            change = _change(root, correction, known, edits, len(classes))
            if change.id in changes:
                raise DataError(f'a second label for {change.id}, besides {changes[change.id].file}')
            changes[change.id] = change
        except DataError as error:
            problems.append(f'{correction.file}: {error}')
    if problems:
        more = [f'… and {len(problems) - MOST_PROBLEMS} more'] if len(problems) > MOST_PROBLEMS else []
        raise DataError(listed(['nothing imported', *problems[:MOST_PROBLEMS], *more]))
    return list(changes.values())


def _labels(root: Path) -> dict[str, Path]:
    folder = root / LABEL_DIR
    found = sorted(folder.rglob('*.png')) if folder.is_dir() else []
    if not found:
        raise UsageError(f'{folder}: no masks there; give the folder of a set of edits')
    return {path.relative_to(folder).with_suffix('').as_posix(): path for path in found}


def _change(root: Path, correction: Correction, known: dict[str, Path], edits: set[str], count: int) -> Change:
    name = _matching(correction.name, known)
    if edits and name not in edits:
        raise DataError(f'{name} is no edit but an original; correct it in the set that it comes from')
    old = read_mask(known[name], count)
    if old.shape != correction.label.shape:
        sizes = [f'{width} x {height}' for height, width in (correction.label.shape, old.shape)]
        raise DataError(f'{sizes[0]} pixels, but {name} has {sizes[1]}')
    return Change(name, old, correction.label, correction.file)


def _matching(name: str, known: dict[str, Path]) -> str:
    """The stem that is meant: the name, or one that differs by folders above it, which tools add or drop."""
    with_more = [stem for stem in known if f'/{name}'.endswith(f'/{stem}')]
    if with_more:
        return max(with_more, key=len)
    with_less = [stem for stem in known if stem.endswith(f'/{name}')]
    if len(with_less) == 1:
        return with_less[0]
    if with_less:
        raise DataError(f'{name} may be {" or ".join(with_less[:3])}; put it into the folder of that name')
    near = difflib.get_close_matches(name, known, n=1)
    raise DataError(f'no {LABEL_DIR}/{name}.png in the set' + (f'; is it {near[0]}?' if near else ''))


def apply(root: Path, changes: Sequence[Change]) -> None:
    """Write the labels that differ, then note all as reviewed in ``review/imported.jsonl``.

    What is written stays valid when this is stopped half-way; run again, it goes on.
    """
    lines = []
    for change in changes:
        path = root / LABEL_DIR / f'{change.id}.png'
        before = sha256(path)
        if change.pixels:
            write_png(path, change.new)
        lines.append(json.dumps(_line(change, before, sha256(path)), ensure_ascii=False) + '\n')
    journal = root / IMPORTED
    journal.parent.mkdir(exist_ok=True)
    write_text(journal, (journal.read_text(encoding='utf-8') if journal.is_file() else '') + ''.join(lines))


def _line(change: Change, before: str, after: str) -> dict[str, str | int]:
    now = time.strftime('%Y-%m-%dT%H:%M:%S%z')
    told = {'id': change.id, 'file': str(change.file), 'pixels_changed': change.pixels}
    return told | {'label_sha256_before': before, 'label_sha256': after, 'time': now}


def imported(root: Path) -> dict[str, dict]:
    """Id -> what was last noted of it; labels that are not in it nobody has reviewed."""
    path = root / IMPORTED
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    return {line['id']: line for line in map(json.loads, lines)}

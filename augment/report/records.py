"""What a run wrote down about each edit, read back for the page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from augment.dataset.manifest import MANIFEST, read_records, shard_journals
from augment.errors import DataError
from augment.labels.importing import imported


@dataclass(frozen=True)
class Line:
    """A photograph under a word: the line of the manifest, as far as the page speaks of it.

    ``scores`` holds the defined ones only; ``output`` and ``region_file`` are paths in the output folder;
    ``windows`` are (top, left, height, width).
    """

    id: str
    stem: str
    word: str
    status: str
    reason: str = ''
    source: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    windows: tuple[tuple[int, int, int, int], ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    failed_gates: tuple[str, ...] = ()
    attempts: tuple[Mapping[str, Any], ...] = ()
    seconds: float | None = None
    peak_gib: float | None = None
    needs_review: bool = False
    region_file: str | None = None
    error: str | None = None

    @property
    def why(self) -> str:
        """The reason why there is no edit to use, in words."""
        return self.reason or (self.error or '').partition('\n')[0] or 'no reason was written down'


def read_lines(out: Path) -> list[Line]:
    """Lines of the manifest and of shards not merged yet, by photograph and word; DataError without any file."""
    if not (out / MANIFEST).is_file() and not shard_journals(out):
        raise DataError(f'{out / MANIFEST} is not there: {out} is no set of edits')
    reviewed = imported(out)
    lines = [_line(content, content['id'] in reviewed) for content in read_records(out).values()]
    return sorted(lines, key=lambda line: (line.stem, line.word))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file, {} where there is none."""
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}


def _line(content: Mapping[str, Any], reviewed: bool) -> Line:
    """A line by its known keys; what is null is left to the default. One ``reviewed`` needs that no more."""
    known = {each.name: content[each.name] for each in fields(Line) if content.get(each.name) is not None}
    scores = {name: float(value) for name, value in known.get('scores', {}).items() if value is not None}
    windows = tuple(tuple(map(int, window)) for window in known.get('windows', ()))
    lists = {name: tuple(known.get(name, ())) for name in ('failed_gates', 'attempts')}
    left = bool(known.get('needs_review')) and not reviewed
    return Line(**known | lists | {'scores': scores, 'windows': windows, 'needs_review': left})

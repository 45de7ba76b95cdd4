"""All runs of a project as a CSV file, one line a run, for a spreadsheet or a script."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg_ext.files import replacing
from mmseg_ext.reports.comparison.records import Comparison, Project, Row, RunRecord
from mmseg_ext.reports.comparison.tables import unfinished

FIRST = ('comparison', 'model', 'group', 'recipe', 'seed', 'state', 'reason')
FACTS = (
    'iteration',
    'iterations',
    'train_seconds',
    'images',
    'images_per_second',
    'peak_memory_gib',
    'parameters',
)
FACTS += ('device', 'amp', 'pretrained', 'config_hash', 'data_hash', 'split_hash', 'commit', 'resumed', 'folder')
TRAINING = ('train_seconds', 'resumed', 'peak_memory_gib')  # facts of the training, not of the test


def write_csv(project: Project, path: str | Path) -> None:
    """One line a run: where it belongs, its state, every score, and what the result says of data and machine.

    ``iteration`` is that of the tested checkpoint, of ``iterations`` in all; ``peak_memory_gib`` and
    ``train_seconds`` are those of the training. What is undefined or unknown is empty. A run that two
    plans name has two lines.
    """
    rows = [row for comparison in project.comparisons for row in _rows(comparison)]
    scores = dict.fromkeys(key for row in rows for key in row if key not in FIRST + FACTS)
    with replacing(path) as partial, partial.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, (*FIRST, *scores, *FACTS), restval='')
        writer.writeheader()
        writer.writerows(rows)


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    reasons = {each.run.folder: each.reason for each in unfinished(comparison)}
    for row in comparison.rows:
        for run in row.runs:
            yield _row(comparison, row, run, reasons.get(run.folder, ''))


def _row(comparison: Comparison, row: Row, run: RunRecord, reason: str) -> dict[str, Any]:
    result, training = run.result or {}, run.training or {}
    known = result | {key: training.get(key) for key in TRAINING} | dict(iterations=run.iterations)
    where = dict(comparison=comparison.name, model=row.model, group=row.group, seed=run.seed, folder=run.folder)
    what = dict(recipe=(result or training).get('recipe'), state=run.state, reason=reason)
    return where | what | result.get('scores', {}) | {key: known.get(key) for key in FACTS if key != 'folder'}

"""Read what the runs of a project left: results, failures, and the plans that say which belong together.

A plan is ``<project>/sweeps/<name>.json``:

    {"name": "losses", "title": "Loss functions", "columns": ["Model", "Trained on"], "marks": "change",
     "rows": [{"model": "Fast-SCNN", "group": "Original", "runs": ["exp/fast_scnn/<recipe>/seed0", ...]}]}

``runs`` are folders below the project, one a seed. ``marks`` is ``change`` (better or worse than the first group
of the model) or ``best`` (best and second best of the column).
"""

import csv
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_ext.errors import UsageError
from mmseg_ext.files import read_json

COUNTS = ('correct', 'labelled', 'predicted')
PLAN = ('name', 'title', 'columns', 'marks', 'rows')


@dataclass(frozen=True)
class PerImage:
    """Pixels of every test image: ``counts`` (N, C, 3) int64, the last axis as in COUNTS; ``names`` are paths."""

    names: tuple[str, ...]
    counts: np.ndarray

    def sorted(self) -> 'PerImage':
        """In the order of the names, and these below the folder that holds all the images, wherever that lies."""
        paths = [Path(name) for name in self.names]
        root = os.path.commonpath([path.parent for path in paths])
        names = [path.relative_to(root).as_posix() for path in paths]
        order = sorted(range(len(names)), key=names.__getitem__)
        return PerImage(tuple(names[index] for index in order), self.counts[order])


@dataclass(frozen=True)
class RunRecord:
    """One run: the contents of its JSON files, None where there is none."""

    folder: Path
    training: dict[str, Any] | None
    result: dict[str, Any] | None
    failure: dict[str, Any] | None

    @property
    def seed(self) -> int | None:
        """The seed, from the result or else from the name of the folder."""
        known = next((part['seed'] for part in (self.result, self.training) if part), None)
        name = self.folder.name.removeprefix('seed')
        return known if known is not None else int(name) if name.isdecimal() else None

    @property
    def state(self) -> str:
        """'finished', 'failed', 'begun' (a training without its test) or 'new' (nothing there)."""
        if self.result is not None:
            return 'finished'
        if self.failure is not None:
            return 'failed'
        return 'begun' if (self.folder / 'train').is_dir() else 'new'

    @property
    def resumed(self) -> bool:
        """Whether the training was interrupted and continued from a checkpoint."""
        return bool((self.training or {}).get('resumed'))

    @property
    def iterations(self) -> int | None:
        """How many iterations the training had; None of one that is not finished."""
        return (self.training or {}).get('iterations')

    @cached_property
    def per_image(self) -> PerImage | None:
        """The pixel counts of ``test/per_image.csv``; None without that file or in one without counts."""
        file = self.folder / 'test/per_image.csv'
        if self.result is None or not file.is_file():
            return None
        with file.open(encoding='utf-8', newline='') as opened:
            header, *rows = csv.reader(opened)
        names = [f'{count}.{label}' for label in self.result['classes'] for count in COUNTS]
        if not set(names) <= set(header) or not rows:
            return None
        columns = [header.index(name) for name in names]
        counts = np.array([[int(row[column]) for column in columns] for row in rows], np.int64)
        image = header.index('image')
        return PerImage(tuple(row[image] for row in rows), counts.reshape(len(rows), -1, len(COUNTS)))


@dataclass(frozen=True)
class Row:
    """A line of a table: one model trained on one group, by all its seeds."""

    model: str
    group: str
    runs: tuple[RunRecord, ...]

    @property
    def finished(self) -> tuple[RunRecord, ...]:
        """The runs with a test result."""
        return tuple(run for run in self.runs if run.result is not None)


@dataclass(frozen=True)
class Comparison:
    """The rows of one plan, in its order; ``columns`` are the headings above model and group."""

    name: str
    title: str
    columns: tuple[str, str]
    marks: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Project:
    """All comparisons of ``work_dirs/<project>``; runs that no plan names stand in a last one, a row a recipe."""

    folder: Path
    comparisons: tuple[Comparison, ...]


def read_project(folder: str | Path) -> Project:
    """Everything below a project's folder; UsageError when it is none, or holds neither plan nor run."""
    folder = Path(folder)
    records = {path: _record(path) for path in sorted(_run_folders(folder))}
    plans = sorted((folder / 'sweeps').glob('*.json'))
    if not records and not plans:
        raise UsageError(f'{folder}: no run there; give the folder of a project, such as work_dirs/default')
    comparisons = [_comparison(folder, _read_plan(plan), records) for plan in plans]
    named = {run.folder for comparison in comparisons for row in comparison.rows for run in row.runs}
    others = [record for path, record in records.items() if path not in named]
    return Project(folder, (*comparisons, *([_others(others)] if others else [])))


def _run_folders(folder: Path) -> set[Path]:
    """Folders below ``exp`` that hold a training or a failure."""
    trained = {file.parents[1] for file in folder.glob('exp/**/train/config.py')}
    return trained | {file.parent for file in folder.glob('exp/**/failure.json')}


def _record(folder: Path) -> RunRecord:
    files = (folder / name for name in ('train/result.json', 'test/result.json', 'failure.json'))
    return RunRecord(folder, *map(read_json, files))


def _read_plan(file: Path) -> dict[str, Any]:
    plan = read_json(file) or {}
    missing = [key for key in PLAN if key not in plan]
    if missing:
        raise UsageError(f'{file}: no plan, it lacks {", ".join(missing)}; start the sweep again, or delete it')
    return plan


def _comparison(folder: Path, plan: dict[str, Any], records: dict[Path, RunRecord]) -> Comparison:
    rows = []
    for row in plan['rows']:
        paths = [folder / run for run in row['runs']]
        runs = tuple(records.get(path) or RunRecord(path, None, None, None) for path in paths)
        rows.append(Row(row['model'], row['group'], runs))
    return Comparison(plan['name'], plan['title'], tuple(plan['columns']), plan['marks'], tuple(rows))


def _others(records: list[RunRecord]) -> Comparison:
    """A row for each recipe; the folder of the model is its name, seeds of one recipe belong together."""
    by_recipe: dict[Path, list[RunRecord]] = {}
    for record in records:
        is_seed = record.folder.name.startswith('seed') and record.folder.name[4:].isdecimal()
        by_recipe.setdefault(record.folder.parent if is_seed else record.folder, []).append(record)
    rows = tuple(Row(path.parent.name, path.name, tuple(runs)) for path, runs in by_recipe.items())
    return Comparison('others', 'Runs outside any plan', ('Model', 'Recipe'), 'best', rows)

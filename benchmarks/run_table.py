"""What tables of trainings share: one run through the tools as a user calls them, and rows that are kept."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_table import markdown_table

ROOT = Path(__file__).resolve().parents[1]


def train_and_test(
    recipe: Path,
    folder: Path,
    seed: int,
    swaps: Mapping[str, str],
    options: Mapping[str, Any],
    views: Sequence[str] | None = None,
) -> dict[str, Any]:
    """``train``, then ``judge``."""
    train(recipe, folder, seed, swaps, options)
    return judge(recipe, folder, swaps, options, views)


def train(recipe: Path, folder: Path, seed: int, swaps: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Train in ``folder``, or go on there. A finished training is not repeated."""
    subprocess.run([*_call('train', recipe, folder, swaps, options), '--seed', str(seed), '--resume'], check=True)


def judge(
    recipe: Path,
    folder: Path,
    swaps: Mapping[str, str],
    options: Mapping[str, Any],
    views: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Judge the training of ``folder`` by the test split; the content of ``test/result.json``.

    ``views`` are those of ``tools/test.py --tta``, whose result lies in ``test-tta`` then.
    """
    augmented = [] if views is None else ['--tta', *views]
    overlays = ['--show-dir', str(folder / 'overlays')]
    command = [*_call('test', recipe, folder, swaps, options, str(folder)), *overlays, *augmented]
    subprocess.run(command, check=True)
    return json.loads((folder / 'test/result.json').read_text(encoding='utf-8'))


def _call(
    tool: str, recipe: Path, folder: Path, swaps: Mapping[str, str], options: Mapping[str, Any], *judged: str
) -> list[str]:
    bases, values = ([f'{name}={value}' for name, value in each.items()] for each in (swaps, options))
    command = [sys.executable, str(ROOT / f'tools/{tool}.py'), str(recipe), *judged]
    return [*command, '--swap', *bases, '--cfg-options', *values, '--work-dir', str(folder)]


@dataclass(frozen=True)
class RunTable:
    """A CSV file of one row a run, found again by its first columns, those of ``key``."""

    path: Path
    key: Sequence[str]
    columns: Sequence[str]

    def rows(self) -> list[dict[str, str]]:
        """All rows, as text."""
        if not self.path.exists():
            return []
        with self.path.open(encoding='utf-8') as file:
            return list(csv.DictReader(file))

    def has(self, key: Sequence[object]) -> bool:
        """Whether the row of that key is there."""
        asked = ['' if value is None else str(value) for value in key]
        return asked in [[row[name] for name in self.key] for row in self.rows()]

    def append(self, key: Sequence[object], values: Mapping[str, object]) -> None:
        """Add a row; figures are rounded to four digits."""
        row = dict(zip(self.key, key, strict=True)) | {
            name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()
        }
        with self.path.open('a', newline='', encoding='utf-8') as file:
            writer = csv.DictWriter(file, [*self.key, *self.columns])
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)

    def markdown(self, names: Sequence[str]) -> str:
        """The columns ``names`` of all rows."""
        return markdown_table(names, ([row[name] for name in names] for row in self.rows()))

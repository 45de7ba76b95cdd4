"""Everything the template shows: the tables of a project, and the parts of every table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mmseg_ext.reports.comparison.cells import ScoreTable, Unfinished
from mmseg_ext.reports.comparison.records import Project
from mmseg_ext.reports.comparison.small_tables import CONTOURS
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.reports.curves import read_history
from mmseg_ext.reports.page.bars import bars
from mmseg_ext.reports.page.confusion import matrices
from mmseg_ext.reports.page.cost import cost
from mmseg_ext.reports.page.facts import Facts, facts_of, without_result
from mmseg_ext.reports.page.findings import finding
from mmseg_ext.reports.page.forest import forest
from mmseg_ext.reports.page.history import Curve, history
from mmseg_ext.reports.page.images import spread
from mmseg_ext.reports.page.precision_recall import precision_recall
from mmseg_ext.reports.page.response import prompts
from mmseg_ext.reports.page.scores import defect_classes, scored
from mmseg_ext.reports.page.sheets import room, sheets
from mmseg_ext.reports.page.style import Look, looks
from mmseg_ext.reports.page.swept import swept_part
from mmseg_ext.score_names import is_of_class

Progress = Callable[[int, int], None]
MEANS = ('mIoU_fg', 'mAcc_fg')


@dataclass(frozen=True)
class Basis:
    """What the parts of one table are made from: how groups look, what runs logged, room for sheets."""

    table: ScoreTable
    look: Mapping[str, Look]
    logged: Mapping[Path, Mapping[str, Curve]]
    room: tuple[int, int]

    def label(self, what: str) -> str:
        """The text that stands for a plot where it cannot be seen."""
        return f'{self.table.title}: {what}'


@dataclass(frozen=True)
class TableView:
    """One table with what it says in words, and its parts by their names in PARTS; one without data is empty."""

    table: ScoreTable
    finding: str
    look: Mapping[str, Look]
    parts: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """The whole page: a section for each table."""

    facts: Facts
    unfinished: tuple[Unfinished, ...]
    tables: tuple[TableView, ...]


def page_of(project: Project, progress: Progress = lambda *_: None) -> Page:
    """Make everything; ``progress`` is told how many parts of how many are done."""
    tables = [table for comparison in project.comparisons for table in score_tables(comparison)]
    space = room(tables)
    done, total = 0, len(tables) * len(PARTS)

    def view(table: ScoreTable) -> TableView:
        nonlocal done
        basis, parts = _basis(table, space), {}
        for name, make in PARTS.items():
            parts[name] = make(basis)
            done += 1
            progress(done, total)
        return TableView(table, finding(table), basis.look, parts)

    unfinished = tuple(without_result(tables))
    return Page(facts_of(project, unfinished), unfinished, tuple(map(view, tables)))


def _basis(table: ScoreTable, space: tuple[int, int]) -> Basis:
    groups = list(dict.fromkeys(line.group for line in table.lines))
    look = looks(groups, baseline=table.comparison.marks == 'change')
    logged = {run.folder: read_history(run.folder / 'train') for line in table.lines for run in line.runs}
    return Basis(table, look, logged, space)


def _forest(basis: Basis) -> Markup | None:
    return forest(basis.table, basis.look, MEANS, basis.label('changes of mIoU and mAcc with their intervals'))


def _bars(basis: Basis) -> list[Markup]:
    """The means, then IoU and Acc of each class."""
    if not scored(basis.table):
        return []
    pairs = [('the defects', MEANS), *((name, _of_class(name)) for name in defect_classes(basis.table))]
    return [
        bars(basis.table, basis.look, keys, basis.label(f'scores of {name} on the test set'))
        for name, keys in pairs
    ]


def _history(basis: Basis) -> list[Markup]:
    """IoU and Acc of each class, those without any record left out."""
    plots = (
        history(
            basis.table.lines,
            basis.look,
            basis.logged,
            key,
            title,
            basis.label(f'validation {key} over the iterations'),
        )
        for key, title in zip(basis.table.keys, basis.table.headings, strict=True)
        if is_of_class(key)
    )
    return [plot for plot in plots if plot is not None]


def _of_class(name: str) -> tuple[str, str]:
    return f'IoU.{name}', f'Acc.{name}'


PARTS: dict[str, Callable[[Basis], Any]] = {
    'forest': _forest,
    'bars': _bars,
    'precision_recall': lambda basis: precision_recall(
        basis.table, basis.look, basis.label('precision against recall')
    ),
    'contours': lambda basis: swept_part(basis.table, basis.look, CONTOURS, lambda *_: None),
    'prompts': lambda basis: prompts(basis.table, basis.look, basis.label('yield rate against the response')),
    'history': _history,
    'spread': lambda basis: spread(basis.table.lines, basis.look, basis.label('scores of single images')),
    'confusion': lambda basis: matrices(basis.table.lines),
    'sheets': lambda basis: sheets(basis.table, *basis.room),
    'cost': lambda basis: cost(basis.table, basis.look, basis.label('speed and parameters against mIoU')),
}

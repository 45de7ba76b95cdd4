"""The files of a cross evaluation: a page, the text, the table, and a picture for each score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from mmseg_ext.files import writable_folder, write_text
from mmseg_ext.reports.matrix import Judging, Matrix, rows_of
from mmseg_ext.reports.matrix_text import cell_text, drop_text, heading, markdown, notes_of, write_csv
from mmseg_ext.reports.page import shell
from mmseg_ext.reports.page.heat_map import heat_map, write_heat_map

NAME = 'cross_eval'


@dataclass(frozen=True)
class Section:
    """One score: its heading, the drop in words, the picture."""

    matrix: Matrix
    heading: str
    finding: str
    picture: Markup


@dataclass(frozen=True)
class MatrixPage:
    """The whole page; ``facts`` are (name, value), ``rows`` of the recipes (label, name of the recipe)."""

    facts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


def write_matrices(
    tested: Sequence[Judging], matrices: Sequence[Matrix], out: str | Path, left_out: Sequence[str] = ()
) -> list[Path]:
    """``cross_eval.html``, ``.md``, ``.csv`` and ``cross_eval_<score>.png`` in the folder ``out``.

    ``left_out`` are lines on runs that are not in it. UsageError for a folder that cannot be written to.
    """
    folder, notes = writable_folder(out), [*notes_of(tested, matrices), *left_out]
    page, text, table = (folder / f'{NAME}.{kind}' for kind in ('html', 'md', 'csv'))
    pictures = [write_heat_map(matrix, folder / picture_name(matrix.metric)) for matrix in matrices]
    write_csv(tested, table)
    write_text(text, markdown(matrices, notes) + '\n')
    write_text(page, render(page_of(tested, matrices, notes)))
    return [page, text, table, *pictures]


def picture_name(metric: str) -> str:
    """``cross_eval_ODS_bsds-2px.png``: without signs that a shell or a file system reads in its own way."""
    return f'{NAME}_{"".join(sign if sign.isalnum() or sign in "-._" else "_" for sign in metric)}.png'


def page_of(tested: Sequence[Judging], matrices: Sequence[Matrix], notes: Sequence[str]) -> MatrixPage:
    """What the template shows."""
    rows = rows_of(tested)
    splits = ', '.join(dict.fromkeys(each.result['split'] for each in tested))
    facts = (
        ('Runs', str(len({each.run for each in tested}))),
        ('Data sets', str(len({each.tested_on for each in tested}))),
        ('Recipes', str(len({each.method for each in tested}))),
        ('Split', splits),
        ('Newest result', max(each.result.get('finished', '–') for each in tested)[:10]),
    )
    recipes = tuple((label, ', '.join(dict.fromkeys(each.recipe for each in row))) for label, row in rows.items())
    sections = (Section(each, heading(each.metric), drop_text(each), heat_map(each)) for each in matrices)
    return MatrixPage(facts, recipes, tuple(sections), tuple(notes))


def render(page: MatrixPage) -> str:
    """The page as HTML."""
    return shell.render(shell.HERE, 'matrix.html.jinja', page, dict(cell_text=cell_text))

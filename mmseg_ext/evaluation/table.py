"""The scores of DefectMetric and BoundaryMetric as plain text, for logs and terminals."""

import io
import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

COLUMNS = ('IoU', 'Acc', 'F1', 'Found')
MEANS = ('mIoU_fg', 'mAcc_fg', 'mIoU', 'mAcc', 'mF1', 'aAcc', 'FalseAlarms')


def format_table(scores: Mapping[str, float | None], classes: Sequence[str], width: int = 96) -> str:
    """One row a class, one line of means below, at most ``width`` characters wide, without a final newline.

    Empty without any such score.

    ``scores`` are those of DefectMetric without a prefix, in percent; NaN and None (NaN in a JSON file) are shown
    as '–'. Columns and means that ``scores`` lacks altogether are left out. ``BF@2px`` is a column too where a
    BoundaryMetric of that tolerance has scored classes; its means have a tag, and are no means of this table.
    """
    tagged = dict.fromkeys(f'BF@{name.rpartition("@")[2]}' for name in scores if name.startswith('BF.'))
    columns = [name for name in (*COLUMNS, *tagged) if any(_of(name, label) in scores for label in classes)]
    rows = [[label, *(_show(scores.get(_of(name, label))) for name in columns)] for label in classes]
    means = [name for name in MEANS if name in scores]
    parts = [(['Class', *columns], rows)] * bool(columns) + [(means, [[_show(scores[each]) for each in means]])]
    return '\n'.join(_render(header, lines, width) for header, lines in parts if header)


def _of(column: str, label: str) -> str:
    """``IoU.crack`` of the column IoU, ``BF.crack@2px`` of BF@2px."""
    name, at, tag = column.partition('@')
    return f'{name}.{label}{at}{tag}'


def _show(value: float | None) -> str:
    return '–' if value is None or math.isnan(value) else f'{value:.2f}'


def _render(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """A table of right-aligned numbers behind a left-aligned first column when that holds names."""
    table = Table(box=box.SIMPLE_HEAD)
    for position, name in enumerate(header):
        named = position == 0 and name == 'Class'
        table.add_column(name, justify='left' if named else 'right', overflow='fold', no_wrap=not named)
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    # No colour, markup or emoji: a class may be called '[1]' or ':warning:'.
    Console(file=text, width=width, color_system=None, markup=False, emoji=False).print(table)
    return '\n'.join(line.rstrip() for line in text.getvalue().strip('\n').splitlines())

"""Plain text of a given width: a grid of names and numbers, and sentences."""

import io
import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

LONGEST_NAME = 24  # characters of a name on one line


def grid(names: Sequence[str], numbers: Sequence[str], words: Sequence[str] = ()) -> Table:
    """An empty table: columns of names on the left, of numbers aligned to the right, and of words that wrap."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in names:
        table.add_column(heading, overflow='fold', max_width=LONGEST_NAME)
    for heading in numbers:
        table.add_column(heading, justify='right', no_wrap=True)
    for heading in words:
        table.add_column(heading, overflow='fold')
    return table


def plain(table: Table, width: int) -> str:
    """A table without colours; no markup or emoji either, for a class may be called '[1]' or ':warning:'."""
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, markup=False, emoji=False).print(table)
    return '\n'.join(line.rstrip() for line in text.getvalue().splitlines()).strip('\n')


def wrapped(sentence: str, width: int) -> str:
    """A sentence over several lines, paths unbroken."""
    return textwrap.fill(sentence, width, subsequent_indent='  ', break_long_words=False, break_on_hyphens=False)

"""What was measured of a model: kept in ``quality.json`` beside it, and told in a section of its card."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from augment.errors import UsageError
from augment.files import write_json, write_text

KEPT, CARD, SECTION = 'quality.json', 'README.md', '## Measured'


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    ``value`` is in dB or, for ``unit`` %, a share 0..1; ``spread`` the standard deviation over the ``n`` images.
    ``aim``: the least that was wanted, None for what only helps to judge the others. ``details`` is for those who
    ask further, as JSON holds it.
    """

    what: str
    value: float
    unit: str
    n: int
    aim: float | None = None
    spread: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether ``value`` is what was wanted; None where nothing was."""
        return None if self.aim is None else self.value >= self.aim

    @property
    def told(self) -> str:
        """``31.2 ± 1.4 dB`` or ``83.3 %``."""
        if self.unit == '%':
            return f'{100 * self.value:.1f} %'
        spread = '' if self.spread is None else f' ± {self.spread:.1f}'
        return f'{self.value:.1f}{spread} {self.unit}'

    @property
    def row(self) -> str:
        """The row in Markdown."""
        if self.aim is None:
            return f'| {self.what} | {self.told} | | | {self.n} |'
        aim = f'{100 * self.aim:g} %' if self.unit == '%' else f'{self.aim:g} {self.unit}'
        return f'| {self.what} | {self.told} | {aim} | {"reached" if self.reached else "**missed**"} | {self.n} |'


@dataclass
class Record:
    """All figures of one model, by the measurement that gave them, each with the amounts it was asked with."""

    model: str
    data: str
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, model: str, data: str) -> 'Record':
        """What ``path`` holds of this model and these windows; empty where it is of others, or not there."""
        if not path.is_file():
            return cls(model, data)
        try:
            kept = cls(**json.loads(path.read_text(encoding='utf-8')))
        except (ValueError, TypeError) as error:
            raise UsageError(f'{path}: no figures that can be read ({error}); remove it') from error
        return kept if (kept.model, kept.data) == (model, data) else cls(model, data)

    def has(self, name: str, asked: dict[str, Any]) -> bool:
        """Whether the measurement ``name`` was made with these amounts."""
        return name in self.measured and self.measured[name]['asked'] == asked

    def keep(self, name: str, asked: dict[str, Any], figures: Sequence[Figure], path: Path) -> None:
        """Add the figures of a measurement, in place of older ones of it, and write everything to ``path``."""
        plain = json.loads(json.dumps([asdict(figure) for figure in figures]))
        self.measured[name] = {'asked': asked, 'figures': plain}
        write_json(path, asdict(self))

    def figures(self) -> list[Figure]:
        """All, in the order in which they were measured."""
        return [Figure(**each) for entry in self.measured.values() for each in entry['figures']]


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table in Markdown, and a sentence on what falls short."""
    lines = ['| figure | measured | aim | | n |', '|---|---|---|---|---|', *(figure.row for figure in figures)]
    missed = [figure.what for figure in figures if figure.reached is False]
    told = f'Short of its aim: {"; ".join(missed)}.' if missed else 'Every aim is reached.'
    return '\n'.join([*lines, '', told])


def write_section(folder: Path, text: str) -> None:
    """Put ``text`` below the heading ``Measured`` of the card in ``folder``, in place of what stood there.

    A card without that heading receives it at its end; a folder without a card, a card.
    """
    path = folder / CARD
    card = path.read_text(encoding='utf-8') if path.is_file() else f'# {folder.name}\n'
    before, heading, after = card.partition(f'{SECTION}\n')
    following = after.find('\n## ') if heading else -1
    rest = after[following:] if following >= 0 else ''
    write_text(path, f'{before.rstrip()}\n\n{SECTION}\n\n{text.strip()}\n{rest}')

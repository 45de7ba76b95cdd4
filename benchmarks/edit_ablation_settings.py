"""Which settings of an edit are compared: one factor after another around one centre."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from augment.config.plain import flat, overridden, settings_dict
from augment.config.presets import load_preset
from augment.config.settings import METHODS, WORDS, EditSettings
from augment.dataset.reading import has_defect, read_image, read_label
from augment.errors import UsageError
from augment.pocket.data import read_captions

CENTRE = 'centre'
UNEDITED = 'unedited'  # a row of the photograph itself: what the scores are without an edit
FREE = {'blend.by': 'none'}  # nothing holds the background but the method: where methods can be told apart in it
SHOWN_WHOLE = {'crop.mode': 'none', 'blend.composite': False}  # the windows are what the model was trained on

Overrides = Mapping[str, Any]


def _each(setting: str, *values: Any, also: Overrides | None = None) -> dict[str, Overrides]:
    """A row for each value of one setting, by how the value reads."""
    rows = [{setting: value, **(also or {})} for value in values]
    return {f'{row[setting]:g}' if isinstance(row[setting], float) else str(row[setting]): row for row in rows}


@cache
def centre() -> EditSettings:
    """What the factors are changed in: the preset pocket, but inverted as readme does.

    At readme's guidance of 15 this model's textures are white and black, and nothing else would show in them.
    """
    return replace(load_preset('pocket'), inversion=load_preset('readme').inversion)


@cache
def preset(name: str) -> dict[str, Any]:
    """What a preset sets otherwise than the centre does, apart from its gates."""
    middle, other = (flat(settings_dict(each)) for each in (centre(), load_preset(name)))
    changed = {key: value for key, value in other.items() if value != middle[key]}
    return {key: value for key, value in changed.items() if not key.startswith('gates.')}


TABLES: dict[str, dict[str, Overrides]] = {
    'inversion': _each('inversion.method', *METHODS),
    'unblended-inversion': _each('inversion.method', *METHODS, also=FREE),
    'null-init': _each('inversion.null_init', 'source', 'empty', 'zeros'),
    'fixed-point': _each('inversion.fixed_point', 0, 1, 2),
    'npi-fixed-point': _each('inversion.fixed_point', 0, 1, 2, also={'inversion.method': 'npi'}),
    'rli': _each('rli.alpha', 0.0, 0.05, 0.1, 0.2, 0.4),
    'cross-window': _each('control.cross_window', 0.0, 0.2, 0.4, 0.6, 0.8),
    'self-window': _each('control.self_window', 0.0, 0.2, 0.3, 0.4, 0.6, 0.8),
    'equalizer': _each('control.equalizer', 1.0, 2.0, 4.0),
    'guidance': _each('guidance', 3.0, 5.0, 7.5, 10.0, 15.0),
    'unblended-guidance': _each('guidance', 3.0, 5.0, 7.5, 10.0, 15.0, also=FREE),
    'blend': _each('blend.by', 'label', 'attention', 'label+attention', 'none'),
    'attention-blend': _each('blend.threshold', 0.3, 0.5, 0.7, also={'blend.by': 'attention'}),
}
EVERY_WORD = 'words'  # every window towards every word by the preset pocket, as the gates will meet them


def name_of(overrides: Overrides) -> str:
    """What tells a setting from the centre, the same text for the same setting whatever table it comes from."""
    middle = flat(settings_dict(centre()))
    changed = {key: value for key, value in sorted(overrides.items()) if value != middle[key]}
    return ' '.join(f'{key}={value}' for key, value in changed.items()) or CENTRE


@dataclass(frozen=True, eq=False)
class Window:
    """A photograph of a defect without a word: its image (S, S, 3), label (S, S) and caption."""

    index: int
    stem: str
    image: np.ndarray
    label: np.ndarray
    caption: str

    @property
    def word(self) -> str:
        """The word that it is edited towards: the six in turn."""
        return turn(self.index)


def turn(index: int) -> str:
    """The word of the window at ``index``, the same in every row of every table."""
    return WORDS[index % len(WORDS)]


def windows(root: Path, count: int) -> list[Window]:
    """The first ``count`` windows of split test that show a defect and no word.

    Raises UsageError where there are fewer.
    """
    found: list[Window] = []
    for line in read_captions(root):
        if len(found) == count:
            break
        if line['split'] != 'test' or line['word'] is not None:
            continue
        image = read_image(root / line['file'])
        label = read_label(root / line['label'], image.shape[:2], ())
        if has_defect(label):
            found.append(Window(len(found), Path(line['file']).stem, image, label, line['caption']))
    if len(found) < count:
        raise UsageError(f'{root}: {len(found)} test windows show a defect and no word, --images asks for {count}')
    return found


@dataclass(frozen=True)
class Edit:
    """One row: a window, a setting by what it changes in the centre (None: no edit), and the word."""

    window: Window
    overrides: Overrides | None
    word: str

    @property
    def name(self) -> str:
        """The setting, as in the table of rows."""
        return UNEDITED if self.overrides is None else name_of(self.overrides)

    def settings(self, steps: int) -> EditSettings:
        """All settings; the prompts are the window's caption, without and with the word."""
        prompts = {'source_prompt': self.window.caption, 'target_template': self.window.caption + ' with {word}'}
        changed = {**prompts, 'steps': steps, **SHOWN_WHOLE, **self.overrides}
        return overridden(centre(), changed)


def edits(shown: Sequence[Window], tables: Sequence[str]) -> Iterator[Edit]:
    """All rows of ``tables``, window by window; a setting that several tables have comes once."""
    for window in shown:
        rows = [Edit(window, None, window.word)]
        rows += [Edit(window, each, window.word) for table in tables for each in TABLES.get(table, {}).values()]
        rows += [Edit(window, preset('pocket'), word) for word in WORDS if EVERY_WORD in tables]
        yield from {(edit.name, edit.word): edit for edit in rows}.values()

"""The last lines of a run: what was made, where to look, and how to train on it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from augment.dataset.manifest import STATES
from augment.dataset.shard import Shard
from augment.dataset.source import data_root

PROJECT = (
    Path(__file__).resolve().parents[2]
)  # where configs/ and tools/ are, unless the package was installed alone
RECIPES = {'wta_512': 'configs/fast_scnn/fast_scnn_focal_1xb8-40k_wta_512-512x512.py'}
ANY_RECIPE = 'configs/quick/ten_minutes.py'


def summary(root: Path, states: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line a word: how many edits came to which end."""
    counts = {word: ', '.join(f'{states[word].get(state, 0)} {state}' for state in STATES) for word in states}
    return [f'{word:<12} {count}' for word, count in counts.items()] + [f'{"set":<12} {root}']


def reported(word: str, poor: int) -> list[str]:
    """What the gates would have done, where they only report."""
    edits = '1 edit' if poor == 1 else f'{poor} edits'
    return [f'{"gates":<12} would reject {edits} of {word}; see the report'] if poor else []


def places(root: Path) -> list[str]:
    """Where to look: the report, and the folders that hold something."""
    known = {'report': 'report.html', 'review': 'review', 'quarantine': 'quarantine'}
    return [f'{name:<12} {root / place}' for name, place in known.items() if (root / place).exists()]


def how_to_train(root: Path, source: str) -> list[str]:
    """The command that trains on the set; where no base names it, the base to write first.

    ``source`` is the name of the original set. Nothing for a set without edits or without labels.
    """
    if not any((root / 'ann_dir/train').glob('**/*__*.png')):
        return []
    name = root.absolute().name
    recipe = RECIPES.get(source, ANY_RECIPE)
    command = f'python tools/train.py {recipe} --swap datasets={name}'
    base = Path('configs/_base_/datasets') / f'{name}.py'
    if _base(name) and root.resolve() == (data_root() / name).resolve():
        return [f'{"train":<12} {command}']
    start = source if _base(source) else 'BASE_OF_THE_SET'
    return [
        f'{"train":<12} write {base}:',
        f"{'':<12}     _base_ = './{start}.py'",
        f"{'':<12}     train_dataloader = dict(dataset=dict(data_root='{root.absolute()}'))",
        f'{"":<12} then {command}',
    ]


def _base(name: str) -> bool:
    """Whether the project, here or beside the package, has a base of that name."""
    return any((folder / 'configs/_base_/datasets' / f'{name}.py').is_file() for folder in (Path(), PROJECT))


def how_to_merge(root: Path, shard: Shard) -> list[str]:
    """What comes after the last shard."""
    return [
        f'{"next":<12} when all {shard.count} shards are done: python augment/merge.py {shlex.quote(str(root))}'
    ]

"""The sets that the closed loop trains on: few rendered photographs, and beside them what each arm adds.

blades/                    20 photographs to train on, imbalanced as all rendered blades are; val and test
blades_<word>/             and their edits, by augment/p2p_edit.py
blades_peeling_ring/       the same edits towards peeling, with the label of ``ignore-ring``
blades_peeling_proposed/   and with that of ``propose``, which nobody has reviewed
blades_peeling_true/       for each of those edits, the photograph with peeling truly rendered
blades_more/               as many photographs again, newly rendered
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from augment.config.settings import WORDS, LabelSettings
from augment.dataset.outset import edit_id
from augment.labels.policies import relabel
from mmseg_ext.errors import RunError
from mmseg_ext.files import replace_folder
from mmseg_ext.rendering.words import add_word

FOLDER = Path('data/closed_loop')  # below the project, as the plans name it
BLADES, OTHERS = FOLDER / 'blades', FOLDER / 'others'
WORD = 'peeling'  # whose labels are compared
TRAIN, VAL, TEST = 20, 8, 60  # photographs
POLICIES = {'ring': 'ignore-ring', 'proposed': 'propose'}
FEW_FAILED = 3  # the exit code of an editing run that could not edit some photographs


class Shown(NamedTuple):
    """A training photograph, (H, W, 3) uint8 RGB, and its label, (H, W) uint8; ``name`` is the stem of both."""

    name: str
    image: np.ndarray
    label: np.ndarray


class Command(NamedTuple):
    """The words of a command line in the project, and the exit codes that are no failure."""

    words: tuple[str, ...]
    fine: tuple[int, ...] = (0,)

    def run(self) -> None:
        """Run it; RunError when it fails."""
        code = subprocess.run([sys.executable, *self.words]).returncode
        if code not in self.fine:
            raise RunError(f'exit code {code} from python {" ".join(self.words)}')


def commands(model: str, preset: str, steps: int) -> list[Command]:
    """What renders the photographs and edits them towards all words; what is there already is left."""
    how = ('--data', str(BLADES), '--model', model, '--preset', preset, '--steps', str(steps), '--save-masks')
    return [
        _rendering(BLADES, 0, TRAIN, VAL, TEST),
        _rendering(OTHERS, 1, TRAIN, 1, 1),
        Command(('augment/p2p_edit.py', '--word', 'all', *how), fine=(0, FEW_FAILED)),
    ]


def _rendering(out: Path, seed: int, *counts: int) -> Command:
    named = zip(('--train', '--val', '--test'), map(str, counts), strict=True)
    words = ('tools/render_demo_data.py', '--out', str(out), '--seed', str(seed))
    return Command((*words, *(word for pair in named for word in pair)))


def prepare(model: str, preset: str, steps: int) -> None:
    """Make all sets. Those derived from the edits are made anew each time, in seconds, with the same bytes."""
    for command in commands(model, preset, steps):
        command.run()
    for name, mode in POLICIES.items():
        write_grown(f'{WORD}_{name}', relabelled(LabelSettings(mode=mode)))
    write_grown(f'{WORD}_true', (shown for shown, _ in variants(WORD, edited(WORD))))
    write_grown('more', others())


def folder_of(name: str) -> Path:
    """The set of one arm."""
    return BLADES.with_name(f'{BLADES.name}_{name}')


def edited(word: str) -> list[str]:
    """The stems of the photographs whose edit towards ``word`` has passed the gates."""
    end = edit_id('', word)
    files = (folder_of(word) / 'img_dir/train').glob(f'*{end}.png')
    return sorted(file.stem.removesuffix(end) for file in files)


def photographs(root: Path = BLADES) -> list[str]:
    """The stems of all training photographs of a set."""
    return sorted(file.stem for file in (root / 'img_dir/train').glob('*.png'))


def read(root: Path, name: str) -> Shown:
    """A photograph of the training split of a set."""
    files = (root / folder / f'train/{name}.png' for folder in ('img_dir', 'ann_dir'))
    image, label = (np.asarray(Image.open(file)) for file in files)
    return Shown(name, image, label)


def relabelled(settings: LabelSettings) -> Iterator[Shown]:
    """The edits towards WORD, pixel by pixel as they are, under the label of another policy."""
    root = folder_of(WORD)
    for stem in edited(WORD):
        before, edit = read(BLADES, stem), read(root, edit_id(stem, WORD))
        region = np.asarray(Image.open(root / f'masks/{edit.name}.png')) > 0
        label = relabel(before.image, edit.image, before.label, region, settings).label
        yield edit._replace(label=label)


def variants(word: str, stems: Iterable[str]) -> Iterator[tuple[Shown, np.ndarray]]:
    """The photographs with the texture of ``word`` about their defects, each with the region (H, W) bool it takes.

    The texture never covers a defect, so the label is that of the photograph and right in every pixel.
    """
    for stem in stems:
        before = read(BLADES, stem)
        rng = np.random.default_rng((WORDS.index(word), photographs().index(stem)))
        image, region = add_word(before.image, before.label, word, rng)
        yield Shown(f'{stem}__true_{word}', image, before.label), region


def others() -> Iterator[Shown]:
    """The photographs of the second rendering."""
    for stem in photographs(OTHERS):
        yield read(OTHERS, stem)._replace(name=f'more_{stem}')


def write_grown(name: str, added: Iterable[Shown]) -> None:
    """The set ``blades_<name>``: the training photographs and what is added to them; whole or not at all."""
    out = folder_of(name)
    partial = out.with_name(f'.{out.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    for folder in ('img_dir', 'ann_dir'):
        shutil.copytree(BLADES / folder / 'train', partial / folder / 'train')
    for shown in added:
        Image.fromarray(shown.image).save(partial / f'img_dir/train/{shown.name}.png')
        Image.fromarray(shown.label).save(partial / f'ann_dir/train/{shown.name}.png')
    replace_folder(partial, out)

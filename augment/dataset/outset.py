"""The folder of a set of edits: what lies where, and how it gets there whole or not at all."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from augment.dataset.source import Item
from augment.errors import UsageError
from augment.files import replacing

OURS = ('img_dir', 'ann_dir', 'quarantine', 'review', 'logs', 'masks', '.shards')  # folders that a run makes
RUN = 'run.json'
REVIEW = {'images': '.png', 'masks': '.png', 'overlays': '.png', 'labelme': '.json', 'coco': '.json'}  # in review/


def slug(word: str) -> str:
    """A word as part of a file name: ``deep scratch`` is ``deep_scratch``."""
    return re.sub(r'\W+', '_', word.strip()).strip('_').lower()


def edit_id(stem: str, word: str) -> str:
    """The id of an edit, which is the stem of its files."""
    return f'{stem}__{slug(word)}'


@dataclass(frozen=True)
class OutSet:
    """A data set in the project's layout under ``root``, with ``img_dir/train`` and ``ann_dir/train`` only."""

    root: Path

    def image(self, name: str, reason: str | None = None) -> Path:
        """Where the edit ``name`` lies; with a ``reason``, in that quarantine."""
        return self._place('img_dir/train' if reason is None else f'quarantine/{reason}', f'{name}.png')

    def label(self, name: str, reason: str | None = None) -> Path:
        """Where its label lies."""
        return self._place('ann_dir/train' if reason is None else f'quarantine/{reason}/ann_dir', f'{name}.png')

    def mask(self, name: str) -> Path:
        """Where the region of an edit lies."""
        return self._place('masks', f'{name}.png')

    def log(self, stem: str) -> Path:
        """Where the losses of a photograph's inversion lie."""
        return self._place('logs', f'{stem}.json')

    def _place(self, folder: str, name: str) -> Path:
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add_original(self, item: Item) -> None:
        """The photograph, hard-linked where the file system can, and a copy of its label; one there is left.

        Labels are what people paint over in place, and that must not reach the set they come from.
        """
        places = (item.image, 'img_dir/train', _link), (item.label, 'ann_dir/train', _copy)
        for source, folder, put in places:
            if source is not None:
                target = self._place(folder, f'{item.stem}{source.suffix}')
                if not target.exists():
                    put(source, target)

    def remove_edit(self, name: str) -> None:
        """Delete the files of an edit that is made anew, and what a killed process left of it."""
        places = self.root.glob('quarantine/*'), self.root.glob('quarantine/*/ann_dir')
        for folder in (*places[0], *places[1], *(self.root / part for part in ('img_dir/train', 'ann_dir/train'))):
            (folder / f'{name}.png').unlink(missing_ok=True)
        (self.root / 'masks' / f'{name}.png').unlink(missing_ok=True)
        for kind, suffix in REVIEW.items():
            (self.root / 'review' / kind / f'{name}{suffix}').unlink(missing_ok=True)


def write_png(path: Path, pixels: np.ndarray) -> None:
    """An image (H, W, 3) or mask (H, W), uint8 or bool, as PNG; whole or not at all."""
    with _anew(path) as partial:
        Image.fromarray(pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels).save(partial)


@contextmanager
def _anew(path: Path) -> Iterator[Path]:
    """``replacing``, after what a killed process has left of the same file is deleted."""
    for left in path.parent.glob(f'.{_escaped(path.stem)}.*.partial{path.suffix}'):
        left.unlink(missing_ok=True)
    with replacing(path) as partial:
        yield partial


def _escaped(text: str) -> str:
    return re.sub(r'([*?[])', r'[\1]', text)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    with _anew(target) as partial:
        shutil.copyfile(source, partial)


def check_free(root: Path, source: Path) -> None:
    """Raise UsageError where edits must not go: the photographs' own set, or a folder that no run has made."""
    if root.resolve() in (source.resolve(), *source.resolve().parents):
        raise UsageError(f'--out {root}: that is where the photographs are; choose another folder')
    if not root.exists() or (root / RUN).is_file():
        return
    if not root.is_dir() or any(not path.name.startswith('.') for path in root.iterdir()):
        raise UsageError(
            f'--out {root}: there already, and not made by this command; choose another, or delete it'
        )


def clear(root: Path) -> None:
    """Delete what a run has made in ``root``, and nothing else; run.json last: by it the folder is known."""
    if not (root / RUN).is_file():
        return
    for name in OURS:
        shutil.rmtree(root / name, ignore_errors=True)
    for path in (*root.glob('manifest*.jsonl'), *root.glob('report.*'), root / 'meta.json', root / RUN):
        path.unlink(missing_ok=True)

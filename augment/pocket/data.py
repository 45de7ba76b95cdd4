"""Captioned windows on disk, as ``tools/render_demo_data.py --words`` writes them.

``captions.jsonl`` has an object a line: ``file`` (an image, within the folder), ``caption`` and ``split`` (train,
val or test). What else it says is not read here.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

from augment.errors import DataError, UsageError

CAPTIONS = 'captions.jsonl'
SPLITS = ('train', 'val', 'test')
MULTIPLE = 16  # the autoencoder shrinks by 4, the UNet by 4 more
LONG = 500  # images whose reading takes so long that a bar is shown


@dataclass(frozen=True, eq=False)
class Windows:
    """``images`` (N, S, S, 3) uint8, RGB, and the caption of each."""

    images: np.ndarray
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        """Side in pixels."""
        return self.images.shape[1]

    def digest(self) -> str:
        """SHA-256 of all pixels and captions, hexadecimal."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images))
        digest.update(json.dumps([self.images.shape, self.captions]).encode())
        return digest.hexdigest()


def read_captions(root: str | Path) -> list[dict[str, Any]]:
    """All lines of the folder's captions.

    Raises UsageError for a folder without any, DataError with file and line for one that cannot be used.
    """
    path = Path(root) / CAPTIONS
    if not path.is_file():
        raise UsageError(f'{path}: no such file; make it with tools/render_demo_data.py --words --out {root}')
    lines = [_line(path, k, text) for k, text in enumerate(path.read_text(encoding='utf-8').splitlines(), 1)]
    if not any(line['split'] == 'train' for line in lines):
        raise DataError(f'{path}: none of its {len(lines)} windows is of split train')
    return lines


def _line(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
        known = isinstance(line['file'], str) and isinstance(line['caption'], str) and line['split'] in SPLITS
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'{path}:{number}: not an object with file, caption and split ({error!r})') from error
    if not known:
        raise DataError(f'{path}:{number}: file and caption are texts, split is one of {", ".join(SPLITS)}')
    return line


def read_windows(root: str | Path, lines: Sequence[dict[str, Any]], split: str, limit: int = 0) -> Windows:
    """Images and captions of one split, all of them or the first ``limit``.

    Raises DataError for an image that is missing, of another size than the first, not square, or of sides that are
    no multiple of 16.
    """
    chosen = [line for line in lines if line['split'] == split][: limit or None]
    shown = track(chosen, f'reading {split}', transient=True, disable=len(chosen) < LONG)
    images = [_image(Path(root) / line['file']) for line in shown]
    for line, image in zip(chosen, images, strict=True):
        if image.shape != (images[0].shape[0],) * 2 + (3,):
            first = _sides(images[0])
            raise DataError(f'{line["file"]}: {_sides(image)} px, expected a square as the first, {first}')
    if images and images[0].shape[0] % MULTIPLE:
        raise DataError(f'{chosen[0]["file"]}: {_sides(images[0])} px; the sides must be multiples of {MULTIPLE}')
    stacked = np.stack(images) if images else np.empty((0, MULTIPLE, MULTIPLE, 3), np.uint8)
    return Windows(stacked, tuple(line['caption'] for line in chosen))


def _image(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as file:
            return np.asarray(file.convert('RGB'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error})') from error


def _sides(image: np.ndarray) -> str:
    return f'{image.shape[1]} x {image.shape[0]}'

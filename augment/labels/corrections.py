"""Corrected labels, as annotators' tools leave them: labelme files, COCO files, masks."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from augment.errors import DataError, UsageError
from augment.labels.coco import from_coco
from augment.labels.labelme import from_labelme
from augment.labels.names import IGNORED


@dataclass(frozen=True)
class Correction:
    """A label (H, W) uint8 that a person has looked at, the name of its image without suffix, and its file."""

    name: str
    label: np.ndarray
    file: Path


def correction_files(source: Path) -> dict[str, Path]:
    """Name -> file: ``source`` itself, or all JSON files below it, or else all PNG files.

    A review folder stands for the labelme files in it. UsageError when there is none.
    """
    if source.is_file():
        return {source.stem: source}
    if not source.is_dir():
        raise UsageError(f'{source}: no such file or folder; nothing to import')
    source = source / 'labelme' if (source / 'labelme').is_dir() else source
    for suffix in ('.json', '.png'):
        found = sorted(path for path in source.rglob(f'*{suffix}') if not path.name.startswith('.'))
        if found:
            return {path.relative_to(source).with_suffix('').as_posix(): path for path in found}
    raise UsageError(f'{source}: nothing to import, neither labelme or COCO files (.json) nor masks (.png) in it')


def read_corrections(
    source: Path, classes: Sequence[str], progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Correction], list[str]]:
    """All corrections of a file or folder, and what is wrong with the others, a line each."""
    files, corrections, problems = correction_files(source), [], []
    for done, (name, file) in enumerate(files.items(), start=1):
        try:
            corrections += _read(file, name, classes)
        except DataError as error:
            problems.append(f'{file}: {error}')
        progress(done, len(files))
    return corrections, problems


def _read(file: Path, name: str, classes: Sequence[str]) -> list[Correction]:
    """The corrections of one file; ``name`` is that of a labelme file or a mask, COCO files name their images."""
    if file.suffix.lower() != '.json':
        return [Correction(name, read_mask(file, len(classes)), file)]
    content = _json(file)
    if 'shapes' in content:
        return [Correction(name, from_labelme(content, classes), file)]
    if 'annotations' in content:
        return [Correction(name, label, file) for name, label in from_coco(content, classes).items()]
    raise DataError('neither a labelme file ("shapes") nor a COCO file ("annotations")')


def _json(file: Path) -> dict:
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f'cannot be read as JSON ({error})') from error
    return content if isinstance(content, dict) else {}


def read_mask(file: Path, count: int) -> np.ndarray:
    """A mask of class indices below ``count`` and 255, (H, W) uint8; DataError for any other."""
    try:
        with Image.open(file) as image:
            if image.mode not in ('L', 'P'):
                raise DataError(f'{image.mode} image; a mask has one channel of 8 bits that holds class indices')
            mask = np.array(image)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'cannot be read as an image ({error})') from error
    unknown = [int(value) for value in np.unique(mask) if value >= count and value != IGNORED]
    if unknown:
        listed = ', '.join(map(str, unknown[:5])) + (', …' if len(unknown) > 5 else '')
        raise DataError(f'value {listed} in it; known are 0 to {count - 1}, and {IGNORED} for not scored')
    return mask

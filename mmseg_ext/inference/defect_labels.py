"""Labels of defects outside any data set: those of prompts, and those that predictions are compared with."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.pairs import IMAGE_SUFFIXES, list_stems, stem_of
from mmseg_ext.datasets.problems import Problem, data_error
from mmseg_ext.datasets.transforms.decode import read_mask
from mmseg_ext.errors import DataError

LOSSY = ('.jpg', '.jpeg')
PNG_CURE = 'write it as PNG, 0 for background and 1 or 255 for the defect'


def find_files(folder: Path) -> dict[str, Path]:
    """Stem → path of every image file below ``folder``. DataError without any, or when two share a stem."""
    found, problems = list_stems(folder)
    if problems:
        raise data_error(str(folder), [Problem(each.path, each.what, 'correct the folder') for each in problems])
    return {stem: Path(path) for stem, path in found.items()}


def stem(name: str | Path) -> str:
    """A path without the suffix of an image, as ``find_files`` spells it."""
    name = Path(name).as_posix()
    return stem_of(name, IMAGE_SUFFIXES) or name


def meant(name: str | Path, stems: Collection[str]) -> str | None:
    """The one of ``stems`` that a path means: the longest that it ends in (``left/a`` for ``photos/left/a.png``),
    else the only one of its file name; None without any."""
    parts = stem(name).split('/')
    ends = ('/'.join(parts[index:]) for index in range(len(parts)))
    found = next((end for end in ends if end in stems), None)
    if found is None:
        same = [each for each in stems if each.rpartition('/')[2] == parts[-1]]
        found = same[0] if len(same) == 1 else None
    return found


def read_label(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8, 1 where the file is not 0, which is the defect. DataError for a file that is no such label.

    JPEG and labels with a second value besides 0, such as soft edges, are refused: where the defect ends is no
    longer told by them. ``size`` is that of the image.
    """
    if path.suffix.lower() in LOSSY:
        raise DataError(f'{path}: JPEG blurs what belongs to the defect; {PNG_CURE}')
    try:
        label = read_mask(path)
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as a label; {PNG_CURE}') from error
    if label.shape != tuple(size):
        what = f'the label is {_side(label.shape)} and its image {_side(size)}'
        raise DataError(f'{path}: {what}; export the label at the size of the image')
    values = np.unique(label)
    if len(values[values > 0]) > 1:
        listed = ', '.join(map(str, values[:5])) + (' …' if len(values) > 5 else '')
        raise DataError(f'{path}: values {listed}; one kind of defect a label: {PNG_CURE}')
    return (label > 0).astype(np.uint8)


def _side(shape: tuple[int, ...]) -> str:
    """``64 x 80`` (height x width), with the channels of what is no label."""
    return ' x '.join(map(str, shape))

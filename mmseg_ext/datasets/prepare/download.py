"""A public download as found on disk: its pictures, how their labels are read, what cannot be used."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.pairs import Matching
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.errors import UsageError

SPLITS = ('train', 'val', 'test')
DEPTH = 3  # archives wrap their content into at most so many folders
SHOWN = 6  # names of a wrong folder that its error lists

Progress = Callable[[str, int, int], None]
"""Called with the stage (such as 'reading'), the work done and the work in all."""


@dataclass(frozen=True)
class Item:
    """One picture. ``name`` is the stem it gets; ``read_mask`` returns its class indices, (H, W) uint8.

    ``split``: where the official split has it, None where there is none. ``group``: pictures of one key show the
    same object and stay together. ``must_show``: left out when its mask is empty.
    """

    name: str
    image: Path
    mask: Path
    read_mask: Callable[[], np.ndarray]
    split: str | None = None
    group: str | None = None
    must_show: bool = False


Linker = Callable[[Sequence[Item], Progress | None], Iterable[tuple[int, int]]]
"""Positions of any two items that show the same object."""


@dataclass
class Download:
    """All items of a source below ``root``; ``left_out`` and ``notes`` are what the report tells about the rest.

    ``links`` find pictures of one object that their names do not tell.
    """

    root: Path
    classes: tuple[str, ...]
    palette: list[list[int]]
    items: list[Item]
    left_out: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    links: list[Linker] = field(default_factory=list)

    @classmethod
    def of(cls, dataset: type, root: Path, items: list[Item], left_out: list[Problem] | None = None) -> 'Download':
        """With the classes and colours of a data-set class of the project."""
        meta = dataset.METAINFO
        return cls(root, tuple(meta['classes']), meta['palette'], items, left_out or [])


@dataclass(frozen=True)
class Options:
    """What a person asks for; what follows ``workers`` concerns single sources only.

    ``split``: shares of train, val and test, in any unit; None: those of the source, else 70, 15 and 15.
    ``overlap``: compare all pictures for overlapping views, which takes time that grows with their square.
    """

    src: Path
    out: Path
    seed: int = 0
    split: tuple[float, float, float] | None = None
    link: bool = False
    overwrite: bool = False
    overlap: bool = False
    workers: int = 4
    images: Path | None = None
    masks: Path | None = None
    surface: Path | None = None
    image_suffix: str | None = None
    mask_suffix: str | None = None
    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    threshold: int | None = None
    group_by: str | None = None
    binary: bool = False


def locate(src: Path, wanted: Sequence[str], expected: str) -> Path:
    """``src`` or the folder below it that holds all of ``wanted``.

    Raises:
        UsageError: there is none; says what was ``expected`` and what was found.
    """
    best, lacking = src, []
    for folder in _folders(src):
        missing = [name for name in wanted if not (folder / name).exists()]
        if not missing:
            return folder
        if len(missing) < len(wanted) and not lacking:
            best, lacking = folder, missing
    raise wrong_folder(best, expected, lacking)


def _folders(src: Path) -> Iterator[Path]:
    """``src`` and the folders below it, level by level."""
    level = [src]
    for _ in range(DEPTH + 1):
        yield from level
        level = [child for folder in level for child in _children(folder) if child.is_dir()]


def _children(folder: Path) -> list[Path]:
    return sorted(folder.glob('[!.]*')) if folder.is_dir() else []


def wrong_folder(folder: Path, expected: str, missing: Sequence[str] = ()) -> UsageError:
    """The one line for a download that is not what it should be."""
    if not folder.is_dir():
        return UsageError(f'{folder}: no such folder; expected {expected}')
    names = [child.name + '/' * child.is_dir() for child in _children(folder)]
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    found = ', '.join(names[:SHOWN]) + more if names else 'nothing'
    lacking = f' (missing: {", ".join(missing)})' if missing else ''
    return UsageError(f'{folder}: expected {expected}; found {found}{lacking}')


def usable(matching: Matching, folder: Path, expected: str) -> Matching:
    """``matching`` if it holds a pair; what could not be paired is then for the report."""
    if not matching.pairs:
        raise wrong_folder(folder, expected)
    return matching

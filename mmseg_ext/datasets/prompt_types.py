"""What a photograph can be asked for: the types of defects in it, by its mask's classes or by its file's name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.transforms.class_presence import classes_present
from mmseg_ext.errors import DataError

BACKGROUND, IGNORED = 0, 255
ANYTHING = 'anything'  # the one type of a set whose photographs all fit each other
TYPE_BY = ('class', 'prefix')
KIND = re.compile(r'(.+)_[^_]*$')


@dataclass(frozen=True)
class Photograph:
    """One labelled image of a data set; ``types`` {name: the mask values that show it}."""

    source: CheckedSegDataset
    index: int
    path: str
    types: dict[str, tuple[int, ...]]

    @property
    def names(self) -> frozenset[str]:
        """The types of defects in it."""
        return frozenset(self.types)


def photographs(source: CheckedSegDataset, type_by: str = 'class') -> list[Photograph]:
    """All images of ``source`` with their types; every mask is read, once.

    'class' takes the class names of the set; values of equal names in several sets are one type. 'prefix' takes
    the file name without its number ('mouse_bite' of mouse_bite_000518.jpg), and every value of the mask but 0
    and 255 shows it. A mask without a defect shows no type.

    Raises:
        DataError: a photograph without a mask, a mask that cannot be read, or a value that is none of the classes.
    """
    source.full_init()
    infos = [source.get_data_info(index) for index in range(len(source))]
    bare = [info['img_path'] for info in infos if not info.get('seg_map_path')]
    if bare:
        raise DataError(
            f'{bare[0]} ({len(bare)} in all): a photograph without a mask shows no type; give the set a '
            'seg_map_path in data_prefix'
        )
    present = [sorted(values - {BACKGROUND, IGNORED}) for values in classes_present(source)]
    named = _by_class if type_by == 'class' else _by_prefix
    return [
        Photograph(source, index, info['img_path'], named(source, info['img_path'], values))
        for index, (info, values) in enumerate(zip(infos, present, strict=True))
    ]


def _by_class(source: CheckedSegDataset, path: str, values: Sequence[int]) -> dict[str, tuple[int, ...]]:
    classes = source.metainfo['classes']
    if values and values[-1] >= len(classes):
        raise DataError(
            f'{path}: its mask has the value {values[-1]}, but the {len(classes)} classes are '
            f"0..{len(classes) - 1}; correct the mask or metainfo, or name types by file: type_by='prefix'"
        )
    return {classes[value]: (value,) for value in values}


def _by_prefix(_: CheckedSegDataset, path: str, values: Sequence[int]) -> dict[str, tuple[int, ...]]:
    return {kind_of(Path(path).stem): tuple(values)} if values else {}


def kind_of(stem: str) -> str:
    """``mouse_bite`` of ``mouse_bite_000518``; the whole of a stem without a number."""
    match = KIND.match(stem)
    return match[1] if match else stem


def known_types(sources: Sequence[CheckedSegDataset]) -> list[str]:
    """The types that sets can have by their class lists, whether or not a mask shows them."""
    return sorted({name for source in sources for name in source.metainfo['classes'][1:]})


def showing(mask: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """``mask`` (H, W) as (H, W) uint8: 1 where it has one of ``values``, 255 where it has 255, else 0."""
    asked = np.isin(mask, values).astype(np.uint8)
    asked[mask == IGNORED] = IGNORED
    return asked

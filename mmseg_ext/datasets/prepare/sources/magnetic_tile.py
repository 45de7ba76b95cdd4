"""Magnetic tiles (https://github.com/abin24/Magnetic-tile-defect-datasets. — the dot belongs to it).

    MT_{Blowhole,Break,Crack,Fray,Uneven,Free}/Imgs/exp<1..6>_num_<running number>.{jpg,png}

The .png is the mask of one class, grey with soft edges; the folder says which class. A tile was photographed
under up to six exposures with running numbers close to each other. Four masks of MT_Uneven are empty: left out,
since the defect is there and unmarked.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from mmseg_ext.datasets.magnetic_tile import MagneticTileDataset
from mmseg_ext.datasets.pairs import Matching, Pair, match_pairs
from mmseg_ext.datasets.prepare.download import Download, Item, Options, Progress, locate
from mmseg_ext.datasets.prepare.groups import Link, alike_thumbnails, near_numbers
from mmseg_ext.datasets.prepare.masks import read_white

EXPECTED = 'the folders MT_Blowhole, MT_Break, MT_Crack, MT_Fray, MT_Uneven and MT_Free'
FREE = 'free'
GAP = 300  # of running numbers, between exposures of one tile
ALIKE = 0.985  # of thumbnails, where a tile was photographed again later
NUMBER = re.compile(r'num_(\d+)')


def scan(options: Options) -> Download:
    """All pictures of the six folders, named ``<class>_<source stem>``."""
    names = MagneticTileDataset.METAINFO['classes'][1:]
    folders = {name: f'MT_{name.capitalize()}' for name in (*names, FREE)}
    root = locate(options.src, list(folders.values()), EXPECTED)
    indices = {**{name: index for index, name in enumerate(names, start=1)}, FREE: 0}
    found = {name: _match(root / folder) for name, folder in folders.items()}
    items = [_item(name, indices[name], pair) for name, matching in found.items() for pair in matching.pairs]
    left_out = [problem for matching in found.values() for problem in matching.problems]
    download = Download.of(MagneticTileDataset, root, items, left_out)
    download.links.append(same_tile)
    return download


def _match(folder: Path) -> Matching:
    return match_pairs(folder / 'Imgs', folder / 'Imgs', '.jpg', '.png')


def _item(name: str, index: int, pair: Pair) -> Item:
    mask = Path(pair.mask)
    return Item(
        f'{name}_{pair.stem}', Path(pair.image), mask, partial(read_white, mask, index), must_show=index > 0
    )


def same_tile(items: Sequence[Item], progress: Progress | None = None) -> Iterator[Link]:
    """Links by running number, and by thumbnail."""
    numbered = {index: NUMBER.search(item.name) for index, item in enumerate(items)}
    known = {index: int(match[1]) for index, match in numbered.items() if match}
    near = near_numbers(list(known.values()), GAP)
    places = list(known)
    return chain(
        ((places[a], places[b]) for a, b in near), alike_thumbnails([item.image for item in items], ALIKE)
    )

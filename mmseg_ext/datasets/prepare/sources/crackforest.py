"""CrackForest, CFD (https://github.com/cuilimeng/CrackForest-dataset).

    image/NNN.jpg    groundTruth/NNN.mat

Field ``groundTruth.Segmentation``: 1 road, 2 crack, 3 road enclosed by cracks, 4 further thin cracks. Pictures
without a .mat are left out. Some photographs overlap; they stay together.
"""

from functools import partial
from pathlib import Path

from mmseg_ext.datasets.crack import CrackDataset
from mmseg_ext.datasets.pairs import match_pairs
from mmseg_ext.datasets.prepare.download import Download, Item, Options, locate, usable
from mmseg_ext.datasets.prepare.masks import ValueMap, read_segmentation
from mmseg_ext.datasets.prepare.overlap import overlapping

EXPECTED = 'the folders image (NNN.jpg) and groundTruth (NNN.mat)'
VALUES = ValueMap({1: 0, 2: 1, 3: 0, 4: 1})


def scan(options: Options) -> Download:
    """All annotated pictures, named ``cfd_NNN``."""
    root = locate(options.src, ['image', 'groundTruth'], EXPECTED)
    matching = usable(match_pairs(root / 'image', root / 'groundTruth', '.jpg', '.mat'), root, EXPECTED)
    items = []
    for pair in matching.pairs:
        mask = Path(pair.mask)
        items.append(Item(f'cfd_{pair.stem}', Path(pair.image), mask, partial(read_segmentation, mask, VALUES)))
    download = Download.of(CrackDataset, root, items, matching.problems)
    download.links.append(overlapping)
    return download

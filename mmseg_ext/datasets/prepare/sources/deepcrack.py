"""DeepCrack of Liu et al., 537 pictures (https://github.com/yhlleo/DeepCrack, folder dataset).

    train_img/*.jpg  train_lab/*.png  test_img/*.jpg  test_lab/*.png

The test part is official; validation is carved out of the training part.
"""

from functools import partial
from pathlib import Path

from mmseg_ext.datasets.crack import CrackDataset
from mmseg_ext.datasets.pairs import match_pairs
from mmseg_ext.datasets.prepare.download import Download, Item, Options, locate, usable
from mmseg_ext.datasets.prepare.masks import read_white

EXPECTED = 'the folders train_img, train_lab, test_img and test_lab'


def scan(options: Options) -> Download:
    """The two official parts, that of training still to be divided."""
    root = locate(options.src, ['train_img', 'train_lab', 'test_img', 'test_lab'], EXPECTED)
    download = Download.of(CrackDataset, root, [])
    for part, split in (('train', None), ('test', 'test')):
        matching = usable(match_pairs(root / f'{part}_img', root / f'{part}_lab'), root, EXPECTED)
        download.left_out += matching.problems
        for stem, image, mask in matching.pairs:
            read = partial(read_white, Path(mask))
            download.items.append(Item(stem, Path(image), Path(mask), read, split))
    return download

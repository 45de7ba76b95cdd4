"""The layout of https://github.com/kevin20012/segGPT-Finetuning-for-Defect-Segmentation.

    train_dataset/{train,val}/{images,labels}/<kind of defect>_<number>.jpg

Labels are 0 and 255 whatever the kind, and JPEG, so cut at 128. The kind, which only the name tells, becomes the
class; with ``binary`` all are one. The source's "val", the first file of each kind, is what its results were
measured on: it becomes test, and validation is carved out of its training part.
"""

from functools import partial
from pathlib import Path

from mmseg_ext.datasets.pairs import match_pairs
from mmseg_ext.datasets.palette import default_palette
from mmseg_ext.datasets.prepare.download import Download, Item, Options, locate, usable
from mmseg_ext.datasets.prepare.masks import read_white
from mmseg_ext.datasets.prompt_types import kind_of

EXPECTED = 'train/images, train/labels, val/images and val/labels, as in train_dataset'
FOLDERS = [f'{part}/{kind}' for part in ('train', 'val') for kind in ('images', 'labels')]
CLASSES = ('background', 'front', 'impurities', 'mouse_bite', 'open_circuit', 'Porosity', 'RCS', 'short', 'spur')
CLASSES += ('spurious_copper', 'thunderbolt', 'torn_apart')  # of the base in configs/; a download may hold others


def scan(options: Options) -> Download:
    """Both parts; kinds of defect in the order of the alphabet, whatever their case."""
    root = locate(options.src, FOLDERS, EXPECTED)
    found = {part: usable(match_pairs(root / part / 'images', root / part / 'labels'), root, EXPECTED)
             for part in ('train', 'val')}  # fmt: skip
    kinds = {kind_of(pair.stem) for matching in found.values() for pair in matching.pairs}
    names = ['defect'] if options.binary else sorted(kinds, key=str.lower)
    left_out = [problem for matching in found.values() for problem in matching.problems]
    classes = ('background', *names)
    download = Download(root, classes, default_palette(len(classes)), [], left_out)
    for part, split in (('train', None), ('val', 'test')):
        for stem, image, mask in found[part].pairs:
            index = 1 if options.binary else classes.index(kind_of(stem))
            read = partial(read_white, Path(mask), index)
            download.items.append(Item(stem, Path(image), Path(mask), read, split))
    return download

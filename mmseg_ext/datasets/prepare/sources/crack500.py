"""CRACK500 in the regions of FPHBN (https://github.com/fyangneil/pavement-crack-detection).

    {train,val,test}.txt    a line a region: "traincrop/<photograph>_<x>_<y>.jpg traincrop/<same>.png"

The lists are the official split. Six photographs have regions in more than one part, which the report names.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mmseg_ext.datasets.crack import CrackDataset
from mmseg_ext.datasets.prepare.download import SPLITS, Download, Item, Options, locate
from mmseg_ext.datasets.prepare.masks import read_white
from mmseg_ext.datasets.problems import Problem

LISTS = [f'{split}.txt' for split in SPLITS]
EXPECTED = 'train.txt, val.txt and test.txt (lines "IMAGE MASK") beside traincrop, valcrop and testcrop'


def scan(options: Options) -> Download:
    """All listed regions; a photograph's regions are one group."""
    root = locate(options.src, LISTS, EXPECTED)
    files = {(path.parent.name, path.name): path for path in sorted(options.src.rglob('*.*'))}
    download = Download.of(CrackDataset, options.src, [])
    for split in SPLITS:
        for line in _lines(root / f'{split}.txt'):
            paths = [files.get((Path(word).parent.name, Path(word).name)) for word in line.split()]
            if len(paths) == 2 and all(paths):
                image, mask = paths
                photograph = image.stem.rsplit('_', 2)[0]
                read = partial(read_white, mask)
                download.items.append(Item(image.stem, image, mask, read, split, photograph))
            else:
                what = 'a listed image or mask is not there'
                download.left_out.append(Problem(f'{split}.txt: {line}', what, 'unpack all archives of the set'))
    return download


def _lines(path: Path) -> Iterator[str]:
    return filter(None, map(str.strip, path.read_text(encoding='utf-8').splitlines()))

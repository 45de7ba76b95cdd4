"""The four sets of DeepCrack, TIP 2019 (https://github.com/qinnzou/DeepCrack): curves one pixel wide.

Images (.jpg or .png) and masks (.bmp, 0 and 255) come as separate downloads, in any folders, with names that
differ in case and ending; the stem decides. Stone331 has a second mask, of the stone's surface, in a folder with
"mask" in its name; what lies outside is not scored.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.crack import CrackDataset
from mmseg_ext.datasets.prepare.download import Download, Item, Options, wrong_folder
from mmseg_ext.datasets.prepare.masks import outside_ignored, read_white
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.errors import UsageError

EXPECTED = 'images (.jpg or .png) and masks (.bmp) in folders below it, or --images DIR --masks DIR'
IMAGES, MASKS = ('.jpg', '.jpeg', '.png'), ('.bmp',)
ENDING = re.compile(r'[ _-]*(gt|mask|label|groundtruth)$')
SURFACE = re.compile(r'mask|surface', re.IGNORECASE)

Files = dict[str, Path]


def scan(split: str, options: Options) -> Download:
    """All pictures with a mask; all belong to ``split`` unless shares are asked for."""
    return _download(split, options, _mask_files(options, options.src), {})


def scan_stone(options: Options) -> Download:
    """Stone331: as the others, and 255 where the mask of the stone's surface is dark."""
    masks, surfaces = _mask_files(options, options.src), {}
    if options.surface:
        surfaces = _by_key(_files(options.surface, (*MASKS, *IMAGES)))
    elif not options.masks:
        masks, surfaces = _told_apart(options.src)
    download = _download('test', options, masks, surfaces)
    cure = 'the authors score inside it: put it into a folder named mask, or give --surface DIR'
    bare = [item for item in download.items if _key(item.image) not in surfaces]
    download.notes += [Problem(str(item.image), 'no mask of the stone surface', cure) for item in bare]
    return download


def _download(split: str, options: Options, masks: Files, surfaces: Files) -> Download:
    files = list(_files(options.images or options.src, IMAGES))
    images = _by_key(files)
    if not images.keys() & masks.keys():
        raise wrong_folder(options.src, EXPECTED)
    part = None if options.split else split
    items = [
        Item(images[key].stem, images[key], masks[key], _reader(masks[key], surfaces.get(key)), part)
        for key in sorted(images.keys() & masks.keys())
    ]
    left_out = [*_orphans(images, masks, 'image without mask'), *_orphans(masks, images, 'mask without image')]
    left_out += [Problem(str(path), 'a second image of its name', 'the first is kept')
                 for path in files if images[_key(path)] != path]  # fmt: skip
    return Download.of(CrackDataset, options.src, items, left_out)


def _reader(mask: Path, surface: Path | None) -> Callable[[], np.ndarray]:
    return partial(outside_ignored, mask, surface) if surface else partial(read_white, mask)


def _orphans(files: Files, others: Files, what: str) -> Iterator[Problem]:
    for key in sorted(files.keys() - others.keys()):
        yield Problem(str(files[key]), what, 'download the other half, or remove it')


def _mask_files(options: Options, src: Path) -> Files:
    return _by_key(_files(options.masks, (*MASKS, *IMAGES)) if options.masks else _files(src, MASKS))


def _told_apart(src: Path) -> tuple[Files, Files]:
    """Masks of cracks and of the surface, the latter by the name of a folder.

    Raises:
        UsageError: there are only masks in such folders, which may be either.
    """
    files = list(_files(src, MASKS))
    inside = {path for path in files if SURFACE.search('/'.join(path.relative_to(src).parts[:-1]))}
    if inside and len(inside) == len(files):
        cure = 'say which by --masks DIR or --surface DIR'
        raise UsageError(f'{src}: all .bmp are in folders named mask, of cracks or of the stone surface; {cure}')
    return _by_key([path for path in files if path not in inside]), _by_key(sorted(inside))


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Visible files below ``folder``, sorted."""
    return (path for path in sorted(folder.rglob('[!.]*')) if path.suffix.lower() in suffixes)


def _by_key(paths: Iterable[Path]) -> Files:
    """The first file of each stem."""
    found: Files = {}
    for path in paths:
        found.setdefault(_key(path), path)
    return found


def _key(path: Path) -> str:
    """Stem in lower case without an ending such as ``_gt``."""
    return ENDING.sub('', path.stem.lower())

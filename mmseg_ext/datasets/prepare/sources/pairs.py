"""Any images with masks: in two folders (``images``, ``masks``) or side by side in one, told apart by a suffix.

Stems that all begin with train/, val/ or test/ are an official split. ``group_by``, a regular expression, names
the object that a picture shows: its first group, or the whole match, searched in the stem.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.pairs import Matching, Pair, match_pairs
from mmseg_ext.datasets.palette import default_palette
from mmseg_ext.datasets.prepare.download import SPLITS, Download, Item, Options, wrong_folder
from mmseg_ext.datasets.prepare.masks import map_values, parse_values, read_white
from mmseg_ext.errors import UsageError

EXPECTED = 'images and masks of the same stem: --images DIR --masks DIR, or one folder and --mask-suffix _mask.png'


def scan(options: Options) -> Download:
    """All pairs, labelled by the value map or the threshold."""
    if len(set(options.classes)) < 2:
        raise UsageError('--classes: give two names or more, the background first')
    read = mask_reader(options)
    matching = find_pairs(options)
    official = {pair.stem.split('/')[0] for pair in matching.pairs} <= set(SPLITS)
    items = [_item(pair, official, read, options.group_by) for pair in matching.pairs]
    colours = default_palette(len(options.classes))
    return Download(options.src, options.classes, colours, items, matching.problems)


def mask_reader(options: Options) -> Callable[[Path], np.ndarray]:
    """How a mask file becomes class indices."""
    if options.threshold is None:
        return partial(map_values, values=parse_values(options.values, options.classes))
    if options.values or len(options.classes) != 2:
        raise UsageError('--threshold makes two classes of grey masks; it goes with two --classes and no --values')
    return partial(read_white, level=options.threshold)


def find_pairs(options: Options) -> Matching:
    """Images and masks by stem. In one folder a mask is what ends in the mask suffix, an image what does not."""
    images, masks = options.images or options.src, options.masks or options.src
    matching = match_pairs(images, masks, options.image_suffix, options.mask_suffix)
    if images == masks:
        if not options.mask_suffix:
            raise UsageError(f'{images}: one folder for images and masks; tell masks by --mask-suffix _mask.png')
        if any(pair.image == pair.mask for pair in matching.pairs):
            raise UsageError(f'{images}: some files are image and mask at once; give --image-suffix too')
        end = options.mask_suffix.lower()
        matching.problems = [problem for problem in matching.problems if not _is_mask(problem.path, end)]
    if not matching.pairs:
        raise wrong_folder(images, EXPECTED)
    return matching


def _is_mask(path: str, end: str) -> bool:
    """A mask that was also listed as an image, and is missed as one."""
    return path.lower().endswith(end)


def _item(pair: Pair, official: bool, read: Callable[[Path], np.ndarray], group_by: str | None) -> Item:
    split, _, name = pair.stem.partition('/') if official else (None, '', pair.stem)
    mask = Path(pair.mask)
    return Item(name, Path(pair.image), mask, partial(read, mask), split, object_of(pair.stem, group_by))


def object_of(stem: str, group_by: str | None) -> str | None:
    """What ``group_by`` finds in a stem; None where it finds nothing."""
    try:
        match = re.search(group_by, stem) if group_by else None
    except re.error as error:
        raise UsageError(f'--group-by {group_by}: no regular expression ({error})') from error
    return match and (match[1] if match.re.groups else match[0])

"""Images and masks of one split, matched by stem.

A stem is the path below ``img_dir/<split>`` or ``ann_dir/<split>`` without the suffix, so ``a/b.jpg`` belongs to
``a/b.png`` whatever the case of the suffixes. Files whose suffix is no image's, and hidden files, are passed over.
"""

import difflib
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mmseg_ext.datasets.problems import Problem

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff')


MISSING = 'get the set as data/README.md says, or correct MMSEG_EXT_DATA, data_root or data_prefix'


class Pair(NamedTuple):
    """Paths of one image and its mask; ``mask`` is None where only prediction is wanted."""

    stem: str
    image: str
    mask: str | None


@dataclass
class Matching:
    """The pairs of a split, sorted by stem, and everything that could not be paired."""

    pairs: list[Pair] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def stem_of(name: str, suffixes: Sequence[str]) -> str | None:
    """``name`` without the one of ``suffixes`` it ends in, in any case; None if it has none of them.

    The stem is in Unicode normal form C: archives made on a Mac spell é with two characters, others with one.
    """
    for suffix in suffixes:
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            return unicodedata.normalize('NFC', name[: -len(suffix)])
    return None


def list_stems(folder: str | Path, suffix: str | None = None) -> tuple[dict[str, str], list[Problem]]:
    """Stem → path of every image file below ``folder``; no folder, an empty one and double stems are problems."""
    suffixes = [suffix] if suffix else IMAGE_SUFFIXES
    if not Path(folder).is_dir():
        return {}, [Problem(str(folder), 'no such folder', MISSING)]
    found: dict[str, str] = {}
    problems = []
    for name in _walk(folder):
        stem = stem_of(name, suffixes)
        if stem in found:
            what = f'a second file of the stem "{stem}", besides {Path(found[stem]).name}'
            problems.append(Problem(os.path.join(folder, name), what, 'keep one file a stem'))  # noqa: PTH118
        elif stem is not None:
            found[stem] = os.path.join(folder, name)  # noqa: PTH118 (ten times faster than pathlib, 30 000 files)
    if not found:
        problems.append(Problem(str(folder), f'no {" ".join(suffixes)} file in it', 'copy the files there'))
    return found, problems


def _walk(folder: str | Path) -> list[str]:
    """Paths relative to ``folder`` of all visible files below it, '/' between the parts, sorted."""
    names = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith('.')]
        below = os.path.relpath(parent, folder).replace(os.sep, '/')
        names += [name if below == '.' else f'{below}/{name}' for name in files if not name.startswith('.')]
    return sorted(names)


def match_pairs(
    img_dir: str | Path,
    ann_dir: str | Path | None,
    img_suffix: str | None = None,
    seg_map_suffix: str | None = None,
    stems: Sequence[str] | None = None,
) -> Matching:
    """Match the images below ``img_dir`` with the masks below ``ann_dir``; nothing is opened or decoded.

    Without ``ann_dir`` no mask is looked for. A suffix, such as ``_mask.png``, narrows the search to files that
    end in it. ``stems`` (the lines of a list file) narrows it to those; one that is not there is a problem.
    """
    if ann_dir is not None and (Path(img_dir), img_suffix) == (Path(ann_dir), seg_map_suffix):
        cure = 'name both in data_prefix: img_path and seg_map_path'
        return Matching(problems=[Problem(str(img_dir), 'the folder of the images and of the masks', cure)])
    images, problems = list_stems(img_dir, img_suffix)
    masks, mask_problems = ({}, []) if ann_dir is None else list_stems(ann_dir, seg_map_suffix)
    problems += mask_problems
    comparable = images and masks  # an empty folder is one problem, not one for each file of the other
    if stems is not None:
        stems = [unicodedata.normalize('NFC', stem) for stem in stems]
        problems += _unknown_stems(stems, images, img_dir)
        images, masks = ({stem: found[stem] for stem in stems if stem in found} for found in (images, masks))
    if comparable:
        problems += _orphans(images, masks, img_dir, ann_dir)
    stems = sorted(images if ann_dir is None else images.keys() & masks.keys())
    return Matching([Pair(stem, images[stem], masks.get(stem)) for stem in stems], problems)


def _unknown_stems(stems: Sequence[str], images: dict[str, str], img_dir: str | Path) -> list[Problem]:
    unknown = [stem for stem in stems if stem not in images]
    # The search for a near name is slow in a large set, and one hint is enough to see what is wrong.
    near = difflib.get_close_matches(unknown[0], images, n=1) if unknown else []
    hint = f' (near it: "{near[0]}")' if near else ''
    cure = f'a list file holds one stem a line, without suffix{hint}'
    return [Problem(str(img_dir), f'no image of the listed stem "{stem}"', cure) for stem in unknown]


def _orphans(
    images: dict[str, str], masks: dict[str, str], img_dir: str | Path, ann_dir: str | Path
) -> list[Problem]:
    """Images without a mask and masks without an image, each with the place where its partner was looked for."""
    alone = [(images[stem], 'image', 'mask', ann_dir) for stem in sorted(images.keys() - masks.keys())]
    alone += [(masks[stem], 'mask', 'image', img_dir) for stem in sorted(masks.keys() - images.keys())]
    return [
        Problem(
            path, f'{kind} without {partner}', f'put the {partner} of the same stem into {folder}, or remove it'
        )
        for path, kind, partner, folder in alone
    ]

"""Score a folder of stored probability maps against a folder of masks, whoever's network made them."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmseg_ext.datasets.pairs import Pair, list_stems, match_pairs
from mmseg_ext.datasets.problems import Problem, data_error
from mmseg_ext.errors import UsageError
from mmseg_ext.evaluation.map_counter import MapCounter
from mmseg_ext.files import replacing
from mmseg_ext.functional.threshold_curves import Curve

GREY_MODES = ('1', 'L', 'P', 'I', 'I;16', 'I;16B')
GREY_MASK = 'a mask holds two values, 0/1 or 0/255; tools/prepare_dataset.py makes such masks of grey levels'
WANTED = 'a map is (H, W): a grey PNG of 8 or 16 bits, or .npy with floats in 0..1'

Progress = Callable[[str, int, int], None]


class ScoredMaps(NamedTuple):
    """The scores of one protocol, each as ``<name>@<tag>``, and its curve."""

    tag: str
    scores: dict[str, float]
    curve: Curve


@dataclass(frozen=True)
class Labels:
    """What the values of a folder's masks mean."""

    defect: int
    ignored: int | None


def find_maps(maps: Path, masks: Path) -> list[Pair]:
    """Maps and masks matched by stem; ``image`` of a pair is the map.

    Raises UsageError where a folder is missing or both are one, DataError with all that could not be matched. A
    folder of maps that holds .npy files is one of .npy files.
    """
    for folder in (maps, masks):
        if not folder.is_dir():
            raise UsageError(f'{folder}: no such folder; give one of maps, then one of masks')
    if maps.samefile(masks):
        raise UsageError(f'{maps}: both the maps and the masks; they lie in folders of their own')
    suffix = '.npy' if list_stems(maps, '.npy')[0] else None
    matching = match_pairs(maps, masks, img_suffix=suffix)
    if matching.problems:
        raise data_error(str(maps), matching.problems)
    return matching.pairs


def score_maps(pairs: Sequence[Pair], counters: Sequence[MapCounter], progress: Progress) -> list[ScoredMaps]:
    """Scores by each of ``counters``; every file is read once for what its masks mean, and maps once to score.

    ``progress`` is called with a stage, pairs done and their number. Raises DataError with every file that is
    unreadable, of another size than its partner, or no map or mask by its values.
    """
    labels = read_labels(pairs, progress)
    counts, problems, top = [[] for _ in counters], [], 0
    for done, pair in enumerate(pairs, start=1):
        try:
            probability, mask = read_map(pair.image), read_values(pair.mask)
            top = max(top, float(probability.max(initial=0)))
            true, ignored = mask == labels.defect, None if labels.ignored is None else mask == labels.ignored
            for counter, kept in zip(counters, counts, strict=True):
                kept.append(counter.count(probability, true, ignored))
        except ValueError as error:
            problems.append(Problem(pair.image, str(error), WANTED))
        progress('scoring maps', done, len(pairs))
    if not problems and pairs and top == 1 and probability.dtype.kind == 'u':
        problems = [Problem(pairs[0].image, 'no map has a level above 1', 'store probabilities as 0..255')]
    if problems:
        raise data_error('maps', problems)
    scored = [
        (counter.tag, *counter.scores(np.stack(kept))) for counter, kept in zip(counters, counts, strict=True)
    ]
    return [ScoredMaps(*parts) for parts in scored]


def read_labels(pairs: Sequence[Pair], progress: Progress) -> Labels:
    """What the masks call a defect: 1, with 255 ignored, if any of them holds a 1; else 255.

    Raises DataError with every mask that cannot be read or holds other values, such as grey levels.
    """
    values, problems = set(), []
    for done, pair in enumerate(pairs, start=1):
        try:
            found = set(np.unique(read_values(pair.mask)).tolist())
            values |= found
            problems += [Problem(pair.mask, _other(found), GREY_MASK)] if found - {0, 1, 255} else []
        except ValueError as error:
            problems.append(Problem(pair.mask, str(error), 'replace it'))
        progress('reading masks', done, len(pairs))
    if problems:
        raise data_error('masks', problems)
    return Labels(1, 255 if 255 in values else None) if 1 in values else Labels(255, None)


def read_map(path: str) -> np.ndarray:
    """A map (H, W): uint8 or uint16 of an image, floats of an .npy file. ValueError where it is none."""
    if not path.lower().endswith('.npy'):
        return read_values(path, tuple(mode for mode in GREY_MODES if mode != 'P'))
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ValueError(f'cannot be read ({error})') from error
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.ndim != 2 or values.dtype.kind not in 'fui':
        raise ValueError(f'an array of {values.shape} {values.dtype}')
    return values


def read_values(path: str, modes: Sequence[str] = GREY_MODES) -> np.ndarray:
    """The grey levels or palette indices (H, W) of an image file, uint8 or uint16; ValueError for colours."""
    try:
        with Image.open(path) as image:
            mode, values = image.mode, np.asarray(image)
    except OSError as error:
        raise ValueError(f'cannot be read ({error})') from error
    if mode == 'RGB' and (values == values[..., :1]).all():
        mode, values = 'L', values[..., 0]
    if mode not in modes:
        raise ValueError(f'a picture in colours (mode {mode})')
    return values.astype(np.uint8 if mode in ('1', 'L', 'P') else np.uint16)


def write_curves(path: Path, scored: Sequence[ScoredMaps]) -> None:
    """A CSV with a row for each protocol and threshold: protocol, threshold, precision, recall, f1.

    Six digits; a cell is empty where the value is undefined.
    """
    with replacing(path) as partial, partial.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['protocol', *Curve._fields])
        for one in scored:
            writer.writerows([one.tag, *map(_cell, point)] for point in zip(*one.curve, strict=True))


def _cell(value: float) -> str:
    return '' if np.isnan(value) else f'{value:.6g}'


def _other(found: set[int]) -> str:
    """The values that a mask may not hold, the first few of them."""
    others = sorted(found - {0, 1, 255})
    return f'value{"s" * (len(others) > 1)} {", ".join(map(str, others[:5]))}{" …" * (len(others) > 5)}'

"""Which classes the masks of a data set hold, read once and in parallel."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from rich.console import Console
from rich.progress import track

from mmseg_ext.datasets.transforms.class_rows import values_of
from mmseg_ext.datasets.transforms.decode import read_mask
from mmseg_ext.errors import DataError


def classes_present(dataset: BaseDataset) -> list[frozenset[int]]:
    """The values in the mask of every image of ``dataset``, which may be repeated or joined; each is read once.

    Decoders release Python's lock, so a few threads share the work. Raises DataError for an unreadable mask.
    """
    paths = mask_paths(dataset)
    unique = sorted(set(paths))
    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        values = track(pool.map(_values, unique), 'classes in masks', len(unique), console=console, transient=True)
        found = dict(zip(unique, values, strict=True))
    return [found[path] for path in paths]


def mask_paths(dataset: BaseDataset) -> list[str]:
    """The mask file of every index of ``dataset``."""
    if isinstance(dataset, RepeatDataset):
        return mask_paths(dataset.dataset) * dataset.times
    if isinstance(dataset, ConcatDataset):
        return [path for part in dataset.datasets for path in mask_paths(part)]
    dataset.full_init()
    return [dataset.get_data_info(index)['seg_map_path'] for index in range(len(dataset))]


def _values(path: str) -> frozenset[int]:
    try:
        return frozenset(values_of(read_mask(path)).tolist())
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f'{path}: the mask cannot be read ({error}); restore it, or remove the pair') from error

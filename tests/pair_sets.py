"""Tiny labelled sets on disk whose photographs show exactly the types a test wants, for pairs of them.

    write_set(root, 'train', dict(a_1=[1], a_2=[1], both_1=[1, 2], clean_1=[]))

Class v is a square of SIDE pixels at a place of its own, as bright as 40 v; the background is dark noise.
"""

from pathlib import Path

import numpy as np
from mmseg.registry import DATASETS
from PIL import Image

import mmseg_ext.datasets  # noqa: F401 (registers the data set)

SIDE = 12
CLASSES = ('background', 'dot', 'line', 'rim')
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
CROP = [
    dict(type='LoadPair'),
    dict(type='DefectCrop', crop_size=32, scale=(0.6, 1.2), prob=0.5),
    dict(type='Pad', size=(32, 32), pad_val=dict(img=0, seg=255)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]


def square(value: int) -> tuple[slice, slice]:
    """Where class ``value`` is."""
    return slice(4, 4 + SIDE), slice(20 * value - 16, 20 * value - 16 + SIDE)


def write_set(
    root: Path,
    split: str,
    shown: dict[str, list[int]],
    sizes: dict[str, tuple[int, int]] | None = None,
    ignore_rows: int = 1,
) -> Path:
    """Write the photographs {stem: classes} of a split; the last ``ignore_rows`` rows of every mask are 255."""
    rng = np.random.default_rng(len(shown))
    for folder in ('img_dir', 'ann_dir'):
        (root / folder / split).mkdir(parents=True, exist_ok=True)
    for stem, values in shown.items():
        height, width = (sizes or {}).get(stem, (48, 64))
        image = rng.integers(0, 20, (height, width, 3), dtype=np.uint8)
        mask = np.zeros((height, width), np.uint8)
        for value in values:
            image[square(value)], mask[square(value)] = 40 * value, value
        mask[height - ignore_rows :] = 255
        Image.fromarray(image).save(root / 'img_dir' / split / f'{stem}.png')
        Image.fromarray(mask).save(root / 'ann_dir' / split / f'{stem}.png')
    return root


def set_config(root: Path, split: str = 'train', classes: tuple[str, ...] = CLASSES) -> dict:
    """The config of a written split."""
    prefix = dict(img_path=f'img_dir/{split}', seg_map_path=f'ann_dir/{split}')
    config = dict(type='CheckedSegDataset', data_root=str(root), data_prefix=prefix)
    return dict(config, metainfo=dict(classes=classes), serialize_data=False)  # which collects garbage each time


def build_pairs(datasets: dict | list[dict], pipeline: list[dict] = LOAD, **arguments):
    """The data set of pairs."""
    return DATASETS.build(dict(type='PromptPairDataset', datasets=datasets, pipeline=pipeline, **arguments))

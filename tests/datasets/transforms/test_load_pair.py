"""LoadPair gives what mmseg's two loading transforms give, cached or not, and nothing after it can tell."""
# ruff: noqa: NPY002 - the transforms draw from numpy's global generator

import os
import time
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import worker_init_fn
from mmengine.registry import init_default_scope
from mmseg.registry import TRANSFORMS
from synthetic import class_names, make_dataset
from torch.utils.data import DataLoader

from mmseg_ext.datasets import CheckedSegDataset
from mmseg_ext.datasets.transforms import DefectCrop, LoadPair
from mmseg_ext.datasets.transforms.class_rows import ClassRows
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.errors import DataError

RECIPE = Path(__file__).resolve().parents[3] / 'configs/quick/demo_blade.py'
STOCK = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


@pytest.fixture
def root(tmp_path) -> Path:
    """Five pairs that are an hour old."""
    init_default_scope('mmseg')
    root = make_dataset(tmp_path / 'tiny', counts=dict(train=5), sizes=(48, 64))
    for file in root.rglob('*.png'):
        os.utime(file, (time.time() - 3600,) * 2)
    return root


def dataset(root: Path, *steps: dict) -> CheckedSegDataset:
    prefix = dict(img_path='img_dir/train', seg_map_path='ann_dir/train')
    metainfo = dict(classes=class_names(3))
    return CheckedSegDataset(data_root=str(root), data_prefix=prefix, metainfo=metainfo, pipeline=list(steps))


def loader(root: Path, cached: bool) -> dict:
    return dict(type='LoadPair', cache=dict(folder=str(root / 'cache'), gb=1) if cached else None)


@pytest.mark.parametrize('cached', [False, True])
def test_all_keys_are_those_of_mmsegs_transforms(root, cached):
    expected, pairs = dataset(root, *STOCK), dataset(root, loader(root, cached))
    for _ in range(2):
        for theirs, ours in zip(expected, pairs, strict=True):
            rows = ours.pop('class_rows', None)
            assert (rows is not None) == cached
            assert sorted(theirs) == sorted(ours)
            for key, value in theirs.items():
                assert np.array_equal(ours[key], value)
                assert type(ours[key]) is type(value)
    assert len(list(root.glob('cache/*.arrays'))) == 10 * cached


def test_from_the_cache_the_rows_speak_of_the_mask(root):
    for _ in range(2):
        for results in dataset(root, loader(root, True)):
            fresh, kept = ClassRows.of(results['gt_seg_map']), results['class_rows']
            assert kept.mask is results['gt_seg_map']
            assert np.array_equal(kept.values, fresh.values)
            assert np.array_equal(kept.ends, fresh.ends)


def samples(root: Path, first: dict | list[dict], seed: int) -> list[dict]:
    """A pass through a training pipeline that begins with ``first``."""
    crop = dict(type='DefectCrop', crop_size=20, scale=(0.5, 2.0), prob=0.7, min_pixels=5)
    rest = [dict(type='RandomFlip', prob=0.5), dict(type='TablePhotoMetricDistortion'), dict(type='PackSegInputs')]
    np.random.seed(seed)
    return list(dataset(root, *(first if isinstance(first, list) else [first]), crop, *rest))


def test_training_sees_the_same_with_and_without_the_cache(root):
    for seed in range(3):
        runs = [samples(root, first, seed) for first in (STOCK, loader(root, False), loader(root, True))]
        for one, two, three in zip(*runs, strict=True):
            assert one['inputs'].equal(two['inputs'])
            assert one['inputs'].equal(three['inputs'])
            assert one['data_samples'].gt_sem_seg.data.equal(three['data_samples'].gt_sem_seg.data)


def test_workers_fill_and_use_one_cache(root):
    crop = dict(type='DefectCrop', crop_size=32, scale=(1.0, 1.0), prob=1)
    batches = []
    for cached in (False, True, True):
        data = dataset(root, loader(root, cached), crop, dict(type='PackSegInputs'))
        start = lambda k: worker_init_fn(k, num_workers=2, rank=0, seed=0)  # noqa: E731
        batches.append([item['inputs'] for item in DataLoader(data, None, num_workers=2, worker_init_fn=start)])
    assert len(list(root.glob('cache/*.arrays'))) == 10
    for plain, first, second in zip(*batches, strict=True):
        assert plain.equal(first)
        assert plain.equal(second)


def test_rows_of_a_mask_that_was_replaced_are_not_used():
    mask = np.zeros((40, 40), np.uint8)
    mask[5, 5] = 1
    moved = np.roll(mask, 25, axis=(0, 1))
    results = {'img': np.zeros((40, 40, 3), np.uint8), 'gt_seg_map': moved, 'seg_fields': ['gt_seg_map']}
    for seed in range(5):
        np.random.seed(seed)
        done = DefectCrop(5, scale=(1, 1), prob=1)(dict(results, class_rows=ClassRows.of(mask)))
        assert 1 in done['gt_seg_map']
        assert 'class_rows' not in done


def test_known_rows_spare_the_search_and_draw_the_same(monkeypatch):
    mask = np.random.default_rng(0).choice([0, 1, 2, 255], (60, 80), p=[0.9, 0.05, 0.04, 0.01]).astype(np.uint8)
    rows, transform = ClassRows.of(mask), DefectCrop(16, prob=1, min_pixels=30)
    windows = []
    for known in (None, rows):
        np.random.seed(0)
        windows.append([transform.draw_window(mask, known) for _ in range(50)])
        monkeypatch.setattr(ClassRows, 'of', None)  # not called the second time
    assert windows[0] == windows[1]


@pytest.mark.parametrize('change', [dict(reduce_zero_label=True), dict(label_map={1: 0})])
def test_masks_that_are_to_be_changed_are_refused(change):
    results = dict(img_path='a', seg_map_path='b', seg_fields=[], **change)
    with pytest.raises(ValueError, match='takes mask values as they are; use LoadAnnotations'):
        LoadPair()(results)


@pytest.mark.parametrize('cached', [False, True])
@pytest.mark.parametrize('part', ['img_dir', 'ann_dir'])
def test_a_damaged_file_is_named(root, cached, part):
    (root / part / 'train/train_001.png').write_bytes(b'no picture')
    with pytest.raises(DataError, match=r'train_001\.png'):
        dataset(root, loader(root, cached))[1]


def test_a_changed_mask_is_used_at_once(root):
    data = dataset(root, loader(root, True))
    before = data[0]['gt_seg_map'].copy()
    file = root / 'ann_dir/train/train_000.png'
    file.write_bytes((root / 'ann_dir/train/train_004.png').read_bytes())
    assert not np.array_equal(data[0]['gt_seg_map'], before)
    assert np.array_equal(data[0]['gt_seg_map'], data[4]['gt_seg_map'])


def test_unknown_settings_of_the_cache_are_refused():
    with pytest.raises(TypeError, match='size'):
        TRANSFORMS.build(dict(type='LoadPair', cache=dict(folder='x', size=1)))


def test_where_and_how_much_is_kept_is_no_part_of_a_runs_identity():
    key = 'train_dataloader.dataset.pipeline.0.cache'
    plain = load_config(RECIPE)
    assert plain.train_dataloader.dataset.pipeline[0].cache.gb == 8
    for options in ({f'{key}.gb': 50}, {f'{key}.folder': '/elsewhere'}, {key: None}):
        changed = load_config(RECIPE, cfg_options=options)
        assert changed.train_dataloader.dataset.pipeline[0] != plain.train_dataloader.dataset.pipeline[0]
        assert config_hash(changed) == config_hash(plain)
    other = load_config(RECIPE, cfg_options={'train_dataloader.dataset.pipeline.1.prob': 0.1})
    assert config_hash(other) != config_hash(plain)

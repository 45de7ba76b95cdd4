"""The pipelines of indoor damage: how often each change happens, what becomes of labels, where windows lie."""
# ruff: noqa: NPY002 - the transforms draw from numpy's global generator

import random
from collections import Counter
from pathlib import Path

import albumentations
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import TRANSFORMS
from scipy.stats import chisquare
from synthetic import class_names, make_dataset

from mmseg_ext.datasets import CheckedSegDataset
from mmseg_ext.datasets.transforms import Albumentation
from mmseg_ext.engine.overrides import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
BASES = sorted(CONFIGS.glob('_base_/pipelines/indoor_*.py'))
RECIPE = CONFIGS / 'fast_scnn/fast_scnn_focal_1xb8-40k_wta_512-512x512.py'


@pytest.fixture(autouse=True)
def scope(monkeypatch, tmp_path):
    monkeypatch.setenv('MMSEG_EXT_CACHE', str(tmp_path / 'cache'))
    init_default_scope('mmseg')


def base(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'_base_/pipelines/{name}.py')


def changes(name: str) -> list[dict]:
    """What the pipeline asks of albumentations."""
    (step,) = (step for step in base(name).train_pipeline if step['type'] == 'Albumentation')
    return step['transforms']


def loaded(image: np.ndarray, mask: np.ndarray | None = None) -> dict:
    mask = np.zeros(image.shape[:2], np.uint8) if mask is None else mask
    return dict(img=image, gt_seg_map=mask, seg_fields=['gt_seg_map'], img_shape=image.shape[:2])


def photograph(height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_the_pipelines_are_found():
    assert {'indoor_base', 'indoor_hard', 'indoor_mask'} <= {path.stem for path in BASES}


@pytest.mark.parametrize('path', BASES, ids=lambda path: path.stem)
@pytest.mark.parametrize('sizes', [(96, 120), (600, 520)])
def test_every_sample_is_512_px_with_labels_of_the_set_and_follows_the_seed(path, sizes, tmp_path):
    root = make_dataset(tmp_path / 'set', classes=7, sizes=sizes, counts=dict(train=3))
    prefix = dict(img_path='img_dir/train', seg_map_path='ann_dir/train')
    dataset = CheckedSegDataset(
        data_root=str(root),
        data_prefix=prefix,
        metainfo=dict(classes=class_names(7)),
        pipeline=base(path.stem).train_pipeline,
    )
    runs = []
    for _ in range(2):
        np.random.seed(0)
        runs.append([dataset[index] for index in (0, 1, 2) * 3])
    for one, other in zip(*runs, strict=True):
        label = one['data_samples'].gt_sem_seg.data
        assert one['inputs'].shape == (3, 512, 512)
        assert label.shape == (1, 512, 512)
        assert set(label.unique().tolist()) <= {*range(7), 255}
        assert one['inputs'].equal(other['inputs'])
        assert label.equal(other['data_samples'].gt_sem_seg.data)


@pytest.mark.parametrize('path', BASES, ids=lambda path: path.stem)
def test_predictions_are_judged_at_the_size_of_the_photograph(path, tmp_path):
    root = make_dataset(tmp_path / 'set', counts=dict(train=1))
    info = dict(
        img_path=str(root / 'img_dir/train/train_000.png'),
        seg_map_path=str(root / 'ann_dir/train/train_000.png'),
        seg_fields=[],
        reduce_zero_label=False,
    )
    sample = Compose(base(path.stem).test_pipeline)(info)
    assert sample['inputs'].shape == (3, 512, 512)
    assert sample['data_samples'].gt_sem_seg.shape == sample['data_samples'].ori_shape == (64, 80)


def test_three_of_ten_are_cut_to_windows_in_the_stated_shares():
    windows = changes('indoor_hard')[-1]
    assert changes('indoor_mask')[-1] == windows
    image, step, draws = photograph(), Albumentation([windows]), 1500  # small, and padded
    np.random.seed(0)
    sides = Counter(step(loaded(image))['img_shape'] for _ in range(draws))
    shares = {(60, 80): 0.7, (334, 334): 0.0618, (384, 384): 0.0706, (448, 448): 0.0794, (496, 496): 0.0882}
    assert set(sides) == set(shares)
    assert chisquare([sides[side] for side in shares], [draws * share for share in shares.values()]).pvalue > 1e-3


def test_three_of_four_are_mirrored_or_turned_by_up_to_ten_degrees_each_as_often():
    image = photograph()
    step = Albumentation([changes('indoor_hard')[0]])
    np.random.seed(1)
    counts = Counter()
    for _ in range(1500):
        seen = step(loaded(image))['img']
        same, mirrored = np.array_equal(seen, image), np.array_equal(seen, image[:, ::-1])
        counts['same' if same else 'mirrored' if mirrored else 'turned'] += 1
    wanted = dict(same=0.25, mirrored=0.375, turned=0.375)
    assert chisquare([counts[each] for each in wanted], [1500 * share for share in wanted.values()]).pvalue > 1e-3


def test_a_turn_opens_nothing():
    mask = np.ones((60, 80), np.uint8)
    turn = dict(changes('indoor_hard')[0]['transforms'][1], p=1.0)
    np.random.seed(2)
    for _ in range(20):
        done = Albumentation([turn])(loaded(np.full((60, 80, 3), 90, np.uint8), mask))
        assert (done['gt_seg_map'] == 1).all()
        assert (done['img'] == 90).all()


def test_each_change_of_colour_comes_to_15_of_100_and_leaves_labels():
    image, mask = photograph(), np.random.default_rng(1).integers(0, 10, (60, 80), np.uint8)
    colours = changes('indoor_hard')[1:-1]
    assert len(colours) == 6
    np.random.seed(3)
    for change in colours:
        done = [Albumentation([change])(loaded(image, mask)) for _ in range(400)]
        changed = sum(not np.array_equal(each['img'], image) for each in done)
        assert 35 <= changed <= 88, change  # 60 ± 4 standard deviations
        assert all(np.array_equal(each['gt_seg_map'], mask) for each in done)


def test_noise_is_of_at_most_five_grey_values():
    noise = dict(changes('indoor_hard')[5], p=1.0)
    assert noise['type'] == 'GaussNoise'
    grey = np.full((60, 80, 3), 128, np.uint8)
    np.random.seed(4)
    spread = [Albumentation([noise])(loaded(grey))['img'].std() for _ in range(60)]
    assert 4 < max(spread) < 5.2
    assert min(spread) < 1.5


def test_a_quarter_of_the_pixels_is_dropped_and_none_of_the_labels():
    image, mask = (
        np.full((120, 240, 3), 200, np.uint8),
        np.random.default_rng(2).integers(0, 10, (120, 240), np.uint8),
    )
    holes = dict(changes('indoor_mask')[1], p=1.0)
    done = Albumentation([holes])(loaded(image, mask))
    dropped = (done['img'] == 0).all(axis=2)
    assert dropped.sum() == 36 * 10 * 20  # 6 x 6 holes, half of a field of 20 x 40 px in either direction
    assert np.array_equal(done['gt_seg_map'], mask)


def test_a_window_of_indoor_mask_holds_a_rare_class_where_there_is_one():
    step = TRANSFORMS.build(
        next(step for step in base('indoor_mask').train_pipeline if step['type'] == 'DefectCrop')
    )
    mask = np.random.default_rng(3).choice(np.array([0, 1, 2, 3, 4, 7, 8, 9], np.uint8), (500, 700))
    mask[3, 690], mask[498, 1] = 5, 6
    np.random.seed(5)
    for _ in range(60):
        window = step(loaded(np.zeros((500, 700, 3), np.uint8), mask))['gt_seg_map']
        assert window.shape == (384, 384)
        assert np.isin(window, (5, 6)).any()


def corners_with(mask: np.ndarray, side: int) -> set[tuple[int, int]]:
    """The upper left corners of all windows that hold a 5 or a 6."""
    rare = np.isin(mask, (5, 6))
    places = np.ndindex(mask.shape[0] - side + 1, mask.shape[1] - side + 1)
    return {(y, x) for y, x in places if rare[y : y + side, x : x + side].any()}


def test_the_windows_are_those_of_crop_non_empty_mask_if_exists():
    mask = np.full((11, 13), 3, np.uint8)
    mask[0, 12], mask[5, 4:6], mask[8, 2] = 5, 6, 5
    rows, columns = np.mgrid[:11, :13].astype(np.uint8)
    image = np.stack([rows, columns, rows], axis=2)  # tells where a window was
    step = next(step for step in base('indoor_mask').train_pipeline if step['type'] == 'DefectCrop')
    ours = TRANSFORMS.build(dict(step, crop_size=(5, 5)))
    theirs = albumentations.CropNonEmptyMaskIfExists(5, 5, ignore_values=[0, 1, 2, 3, 4, 7, 8, 9])
    theirs.set_random_state(np.random.default_rng(6), random.Random(6))
    np.random.seed(6)
    got, source = Counter(), Counter()
    for _ in range(4000):
        got[tuple(ours(loaded(image.copy(), mask))['img'][0, 0, :2].tolist())] += 1
        source[tuple(theirs(image=image, mask=mask)['image'][0, 0, :2].tolist())] += 1
    assert set(got) == set(source) == corners_with(mask, 5)


@pytest.mark.parametrize('path', BASES, ids=lambda path: path.stem)
def test_a_recipe_takes_them_by_swap(path):
    cfg = load_config(RECIPE, ['datasets=indoor', 'losses=dice_ce', f'pipelines={path.stem}'])
    assert cfg.train_dataloader.dataset.pipeline == base(path.stem).train_pipeline
    assert cfg.model.data_preprocessor['size'] == (512, 512)

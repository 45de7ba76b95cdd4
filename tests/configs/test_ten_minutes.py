"""The ten-minute recipe on sets of one's own, for a few iterations; its score takes real images and minutes."""

import json
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict
from synthetic import make_dataset

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import check_run
from mmseg_ext.engine.recipe import recipe_name
from mmseg_ext.engine.training import train

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
MINE = """
_base_ = './_loaders.py'
num_classes = {classes}
metainfo = dict(classes=['background', *(f'blob{{k}}' for k in range(1, {classes}))])
dataset = dict(type='CheckedSegDataset', data_root='{root}', metainfo=metainfo)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset, metainfo
"""
SHORT = {
    'train_cfg.max_iters': 4,
    'train_cfg.val_interval': 4,
    'train_dataloader.batch_size': 4,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
    'train_dataloader.dataset.pipeline.0.cache': None,
}


def mine(folder: Path, classes: int, sizes: tuple[int, int]) -> Config:
    """The recipe on a generated set, swapped in as a user would, cut to four iterations."""
    root = make_dataset(folder / 'mine', classes=classes, sizes=sizes, counts=dict(train=8, val=2, test=1))
    shutil.copytree(CONFIGS, folder / 'configs')
    text = MINE.format(classes=classes, root=root)
    (folder / 'configs/_base_/datasets/mine.py').write_text(text, encoding='utf-8')
    recipe = folder / 'configs/quick/ten_minutes.py'
    cfg = load_config(recipe, ['datasets=mine'], SHORT)
    cfg.run = ConfigDict(recipe=recipe_name(recipe, ['datasets=mine']), amp=False)
    return cfg


@pytest.mark.parametrize(('classes', 'sizes'), [(2, (300, 200)), (5, (90, 130))], ids=['large', 'tiny'])
def test_any_set_trains_and_is_judged(tmp_path, classes, sizes):
    cfg = mine(tmp_path, classes, sizes)
    assert cfg.run.recipe == 'ten_minutes-mine'
    check_run(cfg)
    result = train(cfg, tmp_path / 'run')
    assert result['scores']['mIoU_fg'] >= 0
    assert len(result['classes']) == classes
    lines = next((tmp_path / 'run/train').glob('*/vis_data/scalars.json')).read_text().splitlines()
    terms = [json.loads(line) for line in lines if 'loss' in json.loads(line)]
    assert {'decode.loss_dice', 'decode.loss_balanced_ce'} <= set(terms[-1])


def test_warm_up_cosine_and_validations_fit_the_length():
    cfg = load_config(CONFIGS / 'quick/ten_minutes.py')
    warm_up, cosine = cfg.param_scheduler
    last = cfg.train_cfg.max_iters
    assert (warm_up.begin, warm_up.end) == (0, cosine.begin)
    assert cosine.end == last
    assert last % cfg.train_cfg.val_interval == last % cfg.default_hooks.checkpoint.interval == 0


def test_the_network_is_small_and_crops_suit_its_strides():
    cfg = load_config(CONFIGS / 'quick/ten_minutes.py')
    halvings = sum(stride == 2 for stride in cfg.model.backbone.strides) + sum(cfg.model.backbone.downsamples)
    assert cfg.model.data_preprocessor.test_cfg.size_divisor % 2**halvings == 0
    assert all(side % 2**halvings == 0 for side in cfg.crop_size)

"""Cracks from the first iteration to the measured length: every network and set, and one run through all tools."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from crack_images import make_cracks
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from tool_runner import run_tool

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.overrides import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
SETS = ('cracktree260', 'crkwh100', 'crackls315', 'stone331', 'crack500', 'crackforest', 'deepcrack')
LEAVES = {file.parent.name + file.stem.split('_bce')[0]: file for file in CONFIGS.glob('*/*_cracktree260-*.py')}
UNETS = ('unet', 'unetpp', 'unetpp_ds', 'attention_unet')
NARROW = {'model.backbone.base_channels': 2, 'model.decode_head.in_channels': 2, 'model.decode_head.channels': 2}


def narrow(name: str) -> dict[str, int]:
    """Options that make a U-Net of two channels; nothing for other networks."""
    if name not in UNETS:
        return {}
    return {key: value for key, value in NARROW.items() if name != 'unetpp_ds' or not key.endswith('.channels')}


def model_of(leaf: Path) -> str:
    return leaf.stem.split('_bce_dice')[0]


def step_and_prediction(cfg: Config) -> tuple[float, object]:
    """Total loss of one training step on two images of the set, and the prediction for a test image."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    train, test = (DATASETS.build(cfg[f'{split}_dataloader'].dataset) for split in ('train', 'test'))
    model = MODELS.build(cfg.model)
    data = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    total, _ = model.train().parse_losses(model(**data, mode='loss'))
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    optimizer.backward(total)
    assert [name for name, each in model.named_parameters() if each.grad is None] == []
    optimizer.step()
    with torch.no_grad():
        (sample,) = model.eval().test_step(pseudo_collate([test[0]]))
    return total.item(), sample


@pytest.mark.parametrize('leaf', LEAVES.values(), ids=model_of)
@pytest.mark.parametrize('dataset', SETS)
def test_every_network_on_every_crack_set(leaf, dataset, tmp_path, monkeypatch):
    """Images of 40 x 56: smaller than the crop, and no multiple of 16."""
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    monkeypatch.setenv('MMSEG_EXT_CACHE', str(tmp_path / 'cache'))
    make_cracks(tmp_path / dataset)
    small = dict(narrow(model_of(leaf)), **{'model.data_preprocessor.size': (64, 64)})
    cfg = load_config(leaf, [f'datasets={dataset}'])
    for key, value in small.items():
        cfg.merge_from_dict({key: value})
    total, sample = step_and_prediction(cfg)
    assert np.isfinite(total)
    assert sample.pred_sem_seg.data.shape == (1, 40, 56)
    assert sample.seg_logits.data.shape == (1, 40, 56)
    assert 0 <= sample.seg_logits.data.min() <= sample.seg_logits.data.max() <= 1  # probabilities


@pytest.mark.parametrize(
    'pipeline', sorted(file.stem for file in (CONFIGS / '_base_/pipelines').glob('crack_*.py'))
)
def test_every_pipeline_gives_crops_to_train_on_and_whole_images_back(pipeline, tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    monkeypatch.setenv('MMSEG_EXT_CACHE', str(tmp_path / 'cache'))
    make_cracks(tmp_path / 'crack500', sizes=(72, 128))
    cfg = load_config(LEAVES['unetunet'], ['datasets=crack500', f'pipelines={pipeline}'])
    cfg.merge_from_dict(narrow('unet'))
    sides = {step['type']: step for step in cfg.train_pipeline}
    assert cfg.model.data_preprocessor.size == cfg.crop_size
    total, sample = step_and_prediction(cfg)
    assert np.isfinite(total)
    assert sample.pred_sem_seg.data.shape == (1, 72, 128)
    assert ('Resize' in sides) == ('resized' in pipeline)


def test_softmax_over_both_classes_is_one_option(tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    monkeypatch.setenv('MMSEG_EXT_CACHE', str(tmp_path / 'cache'))
    make_cracks(tmp_path / 'crackforest')
    cfg = load_config(
        LEAVES['unetunet'],
        ['datasets=crackforest', 'losses=dice_ce', 'pipelines=crack_256'],
        {'model.decode_head.out_channels': 2, **narrow('unet')},
    )
    total, sample = step_and_prediction(cfg)
    assert np.isfinite(total)
    assert sample.seg_logits.data.shape == (2, 40, 56)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with a crack set and a run that trained on it for a few iterations."""
    root = tmp_path_factory.mktemp('cracks')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv('MMSEG_EXT_DATA', str(root / 'data'))
        patch.setenv('MMSEG_EXT_CACHE', str(root / 'cache'))
        make_cracks(root / 'data/crackforest', sizes=(64, 80))
        options = {
            **narrow('unet'),
            'train_cfg.max_iters': 30,
            'train_cfg.val_interval': 10,
            'default_hooks.checkpoint.interval': 10,
            'train_dataloader.batch_size': 2,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'val_dataloader.num_workers': 0,
            'val_dataloader.persistent_workers': False,
            'test_dataloader.num_workers': 0,
            'test_dataloader.persistent_workers': False,
        }
        said = [f'{key}={value}' for key, value in options.items()]
        swaps = ['--swap', 'datasets=crackforest', 'pipelines=crack_256']
        code = run_tool('train', LEAVES['unetunet'], *swaps, '--cfg-options', *said, '--work-dir', root / 'run')
        assert code == 0
    return root


@pytest.fixture
def run(trained, monkeypatch):
    monkeypatch.chdir(trained)
    monkeypatch.setenv('MMSEG_EXT_DATA', str(trained / 'data'))
    return trained / 'run'


def test_a_run_says_its_curves_its_threshold_and_the_loss_of_its_validations(run):
    result = json.loads((run / 'train/result.json').read_text())
    tags = ['deepcrack_tip-2px', 'macro-0px']
    assert list(result['curves']) == tags
    assert result['threshold']['used'] == 0.5
    assert result['threshold']['tag'] == tags[0]
    assert 0 <= result['threshold']['best'] <= 1
    for name in ('ODS', 'OIS', 'AP'):
        for tag in tags:
            assert 0 <= result['scores'][f'{name}@{tag}'] <= 1
    (scalars,) = (run / 'train').glob('*/vis_data/scalars.json')
    assert sum('val_loss' in line for line in scalars.read_text().splitlines()) == 3


def test_the_threshold_of_the_validation_decides_the_test_and_the_prediction(run, capsys):
    chosen = json.loads((run / 'train/result.json').read_text())['threshold']['best']
    masks = run.parent / 'masks'
    assert run_tool('test', run / 'train/config.py', run, '--out', masks) == 0
    result = json.loads((run / 'test/result.json').read_text())
    assert result['threshold'] | {'best': None} == {
        'used': chosen, 'best': None, 'tag': 'deepcrack_tip-2px', 'origin': 'validation',
    }  # fmt: skip
    images = run.parent / 'data/crackforest/img_dir/test'
    capsys.readouterr()
    found = run.parent / 'found'
    assert run_tool('predict', run, images, '--out', found, '--mm-per-pixel', '0.5') == 0
    for file in sorted(masks.glob('*.png')):
        assert (cv2.imread(str(file), 0) == cv2.imread(str(found / 'masks' / file.name), 0)).all()
    with (found / 'defects.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert float(rows[0]['length_mm']) == pytest.approx(float(rows[0]['length']) / 2, rel=1e-2)

"""Every model trains a step and predicts, with other data, losses, crops and schedules than its leaf names."""

import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.overrides import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FOCAL = '_focal_1xb8-40k_wta_512-512x512.py'
# Millions of parameters with three classes, auxiliary heads included, as the source's models have them. BEiT's
# were counted at crops of 256 px: the number of its position biases depends on the crop.
PARAMETERS = {
    'ann_r50-d8': 46.216,
    'apcnet_r50-d8': 56.345,
    'beit-base_upernet': 162.497,
    'bisenetv1_r18-d32': 13.420,
    'bisenetv2': 14.766,
    'ccnet_r50-d8': 49.814,
    'danet_r50-d8': 49.818,
    'deeplabv3_r50-d8': 68.101,
    'deeplabv3plus_r50-d8': 43.578,
    'fast_scnn': 1.453,
    'fastfcn_r50-d32_jpu_psp': 68.699,
    'gcnet_r50-d8': 49.618,
    'mobilenet_v3-d8_lraspp': 3.282,
    'pspnet_r50-d8': 48.963,
    'upernet_r50': 66.403,
    'vit_deit-b16_mln_upernet': 144.060,
}
AUXILIARY = {'bisenetv1_r18-d32': 2, 'bisenetv2': 4, 'fast_scnn': 2, 'mobilenet_v3-d8_lraspp': 0}
CROPS = {'mobilenet_v3-d8_lraspp': 392}  # its pooling window; the others bear 64 px
SWAPS = ['datasets=crackforest losses=dice_ce', 'losses=lovasz_ce schedules=schedule_40k']


@pytest.fixture(scope='module')
def configs(tmp_path_factory) -> Path:
    """A copy of the configs with pipelines of small crops."""
    folder = shutil.copytree(CONFIGS, tmp_path_factory.mktemp('models') / 'configs')
    crop = (CONFIGS / '_base_/pipelines/crop_256.py').read_text(encoding='utf-8')
    for side in {64, *CROPS.values()}:
        (folder / f'_base_/pipelines/crop_{side}.py').write_text(crop.replace('256', str(side)), encoding='utf-8')
    return folder


def leaf(model: str, configs: Path = CONFIGS) -> Path:
    (file,) = configs.glob(f'*/{model}{FOCAL}')
    return file


def small(model: str, configs: Path, *swaps: str) -> Config:
    return load_config(leaf(model, configs), [f'pipelines=crop_{CROPS.get(model, 64)}', *swaps])


def build(cfg: Config) -> torch.nn.Module:
    init_default_scope('mmseg')
    return MODELS.build(cfg.model)


def batch(cfg: Config, side: tuple[int, int], size: int) -> dict:
    """Random images and labels, the latter with ignored pixels and all classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (size, 3, *side), generator=generator, dtype=torch.uint8)
    samples = []
    for _ in range(size):
        label = torch.randint(0, cfg.num_classes, (1, *side), generator=generator)
        label[:, :5, :5] = 255
        meta = dict(ori_shape=side, img_shape=side)
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta))
    return dict(inputs=list(images), data_samples=samples)


def test_all_models_have_a_leaf_and_a_base():
    leaves = sorted(file.name.removesuffix(FOCAL) for file in CONFIGS.glob(f'*/*{FOCAL}'))
    bases = {file.stem for file in (CONFIGS / '_base_/models').glob('[!_]*.py')}
    assert leaves == sorted(PARAMETERS)
    assert bases >= set(PARAMETERS)


@pytest.mark.parametrize('model', sorted(PARAMETERS))
def test_number_of_parameters(model):
    cfg = load_config(leaf(model), ['pipelines=crop_256'] if 'beit' in model else [])
    millions = sum(parameter.numel() for parameter in build(cfg).parameters()) / 1e6
    assert millions == pytest.approx(PARAMETERS[model], rel=1e-3)
    assert len(cfg.model.auxiliary_head) == AUXILIARY.get(model, 1)


@pytest.mark.parametrize('swaps', SWAPS)
@pytest.mark.parametrize('model', sorted(PARAMETERS))
def test_one_training_step_and_a_prediction(model, swaps, configs):
    cfg = small(model, configs, *swaps.split())
    torch.manual_seed(0)
    built = build(cfg)
    optimizer = build_optim_wrapper(built, cfg.optim_wrapper)
    data = built.data_preprocessor(batch(cfg, cfg.crop_size, 2), training=True)
    losses = built.train()(**data, mode='loss')
    total, _ = built.parse_losses(losses)
    assert total.isfinite()
    optimizer.backward(total)
    without = [name for name, parameter in built.named_parameters() if parameter.grad is None]
    assert without == []
    assert all(parameter.grad.isfinite().all() for parameter in built.parameters())
    before = built.decode_head.conv_seg.bias.detach().clone()
    optimizer.step()
    assert not torch.equal(built.decode_head.conv_seg.bias, before)
    (sample,) = built.eval().test_step(batch(cfg, (70, 90), 1))
    assert sample.pred_sem_seg.data.shape == (1, 70, 90)
    assert sample.seg_logits.data.shape == (cfg.num_classes, 70, 90)

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
from mmseg_ext.engine.preflight import crop_problems

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
TRANSFORMERS = ('beit-base_upernet', 'vit_deit-b16_mln_upernet')
SWAPS = ['datasets=crackforest losses=dice_ce', 'losses=focal schedules=schedule_40k']  # two terms, one term


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


@pytest.mark.parametrize('model', sorted(PARAMETERS.keys() - TRANSFORMERS))
def test_swapping_the_model_gives_the_leaf_of_that_model(model):
    swapped = load_config(leaf('fast_scnn'), [f'models={model}'])
    assert swapped.to_dict() == load_config(leaf(model)).to_dict()


@pytest.mark.parametrize('model', TRANSFORMERS)
def test_transformers_follow_the_crop(model):
    cfg = load_config(leaf(model), ['pipelines=crop_256'])
    assert cfg.model.backbone.img_size == cfg.model.data_preprocessor.size == cfg.crop_size == (256, 256)
    if model == 'beit-base_upernet':
        assert cfg.model.test_cfg == dict(mode='slide', crop_size=(256, 256), stride=[170, 170])
        assert cfg.model.data_preprocessor.test_cfg == dict(size=(256, 256))


@pytest.mark.parametrize(('schedule', 'base'), [('adamw_40k', 1e-3), ('adamw_80k', 1e-3), ('schedule_40k', 1e-2)])
@pytest.mark.parametrize(('model', 'share'), list(zip(TRANSFORMERS, (0.03, 0.06), strict=True)))
def test_transformers_learn_at_a_share_of_the_schedules_rate(model, share, schedule, base, configs):
    cfg = small(model, configs, f'schedules={schedule}')
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(share * base)
    built = build(cfg)
    optimizer = build_optim_wrapper(built, cfg.optim_wrapper).optimizer
    groups = {id(weight): group for group in optimizer.param_groups for weight in group['params']}
    found = {name: groups[id(weight)] for name, weight in built.named_parameters()}
    decay = 0.9 if model == 'beit-base_upernet' else 1.0  # a layer
    for name, layers in (('decode_head.conv_seg.weight', 0), ('backbone.layers.11.ffn.layers.1.weight', 1)):
        assert found[name]['lr'] == pytest.approx(share * base * decay**layers)
        assert found[name]['weight_decay'] == cfg.optim_wrapper.optimizer.weight_decay > 0
    assert found['backbone.layers.0.ln1.weight']['lr'] == pytest.approx(share * base * decay**12)
    assert found['backbone.cls_token']['lr'] == pytest.approx(share * base * decay**13)
    assert found['backbone.layers.0.ln1.weight']['weight_decay'] == 0


@pytest.mark.parametrize('model', TRANSFORMERS)
def test_the_rate_of_a_transformer_can_be_overridden(model):
    cfg = load_config(leaf(model), cfg_options={'optim_wrapper.optimizer.lr': 1e-5})
    assert cfg.optim_wrapper.optimizer.lr == 1e-5


def test_layers_that_learn_slower_are_set_up_in_silence(configs, capfd):
    cfg = small('beit-base_upernet', configs)
    cfg.model.backbone.update(num_layers=1, out_indices=(0, 0, 0, 0), embed_dims=768)
    build_optim_wrapper(build(cfg), cfg.optim_wrapper)
    assert capfd.readouterr().out == ''


def test_a_crop_that_the_pooling_window_does_not_fit_into_is_refused_in_one_line(configs):
    (line,) = crop_problems(load_config(leaf('mobilenet_v3-d8_lraspp'), ['pipelines=crop_256']))
    assert line.startswith('crops of 256 x 256 px are too small for this model, which needs 392 x 392; --swap')
    for fitting in (small('mobilenet_v3-d8_lraspp', configs), load_config(leaf('fast_scnn'))):
        assert list(crop_problems(fitting)) == []


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
    terms = len(cfg.loss_decode) if isinstance(cfg.loss_decode, list) else 1
    supervised = 1 + AUXILIARY.get(model, 1) + 2 * model.startswith('danet')
    assert sum('loss' in name for name in losses) == terms * supervised
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

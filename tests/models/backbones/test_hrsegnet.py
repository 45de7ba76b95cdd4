"""HrSegNet: published size, images of any size, and the network written down a second time."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_ext.engine  # noqa: F401 (registers what the configs name)
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.models.backbones.hrsegnet import HrSegNet

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
(LEAF,) = (CONFIGS / 'hrsegnet').glob('hrsegnet_b16_*.py')
SETS = sorted(
    file.stem
    for file in (CONFIGS / '_base_/datasets').glob('[!_]*.py')
    if '_cracks' in file.read_text(encoding='utf-8')
)


def network(swaps: list[str] | None = None, **logits) -> torch.nn.Module:
    cfg = load_config(LEAF, swaps)
    for head in (cfg.model.decode_head, *cfg.model.auxiliary_head):
        head.update(logits)
    init_default_scope('mmseg')
    return MODELS.build(cfg.model)


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(('logits', 'count'), [(1, 609_891), (2, 609_942)])
def test_parameters(logits, count):
    """0.61 M are published, for two classes and with both auxiliary heads."""
    model = network(out_channels=logits)
    assert parameters(model) == count
    assert parameters(model.auxiliary_head) == 2 * (2384 + 17 * logits)


def test_operations_as_the_authors_framework_counts_them():
    """0.66 G are published for 400 x 400: an operation a weight and output, one a bias, two a normalised value.

    Guides are counted at the fine size, where the authors' 1 x 1 convolutions run; ours cost a fraction.
    """
    model, total = network(out_channels=2).eval(), 0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, torch.nn.BatchNorm2d):
            total += 2 * output.numel()
        elif isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            size = 100 * 100 * output.shape[1] if module in guides else output.numel()
            total += size * (inputs[0].shape[1] * module.weight[0, 0].numel() + 1)

    guides = {guide for stage in model.backbone.stages for guide in stage.guides}
    for module in model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        model.decode_head(model.backbone(torch.zeros(1, 3, 400, 400)))
    assert round(total / 1e9, 2) == 0.64


def by_definition(model: HrSegNet, images: torch.Tensor) -> list[torch.Tensor]:
    """The network step by step, guides enlarged before their convolution as it is published."""
    fine, found = model.stem(images), []
    for number, stage in enumerate(model.stages, 1):
        size = fine.shape[2:]
        coarse = F.avg_pool2d(fine, 3, 2, 1, count_include_pad=False) if number > 1 else fine
        blocks = [block for block in stage.coarse[0] if not isinstance(block, torch.nn.AvgPool2d)]
        assert len(blocks) == (2 if number == 3 else 1)
        for block in blocks:
            coarse = block(coarse)
        fine = stage.fine[0](fine) + stage.guides[0](enlarged(coarse, size))
        coarse = stage.coarse[1](coarse)
        fine = stage.fine[1](fine) + stage.guides[1](enlarged(coarse, size))
        fine = stage.fine[2](fine) + stage.guides[2](enlarged(stage.coarse[2](coarse), size))
        found.append(fine)
    return found


def enlarged(coarse: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return F.interpolate(coarse, size, mode='bilinear', align_corners=True)


@pytest.mark.parametrize('size', [(64, 64), (37, 101)])
def test_stages_against_their_definition(size):
    torch.manual_seed(0)
    model = HrSegNet(base_channels=4).double().eval()
    images = torch.randn(2, 3, *size, dtype=torch.double)
    with torch.no_grad():
        for ours, theirs in zip(model(images), by_definition(model, images), strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(('number', 'side'), [(1, 32), (2, 16), (3, 8)])
def test_a_stage_guides_from_a_coarser_size_each_time(number, side):
    stage = HrSegNet().stages[number - 1]
    assert stage.coarse[0](torch.zeros(2, 16, 64, 64)).shape == (2, 16 * 2**number, side, side)


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_images_of_any_size(height, width):
    model = network().eval()
    with torch.no_grad():
        features = model.backbone(torch.rand(1, 3, height, width))
        assert {feature.shape for feature in features} == {(1, 16, (height + 3) // 4, (width + 3) // 4)}
        assert model.decode_head(features).shape == (1, 1, 2 * features[0].shape[2], 2 * features[0].shape[3])
        assert [head(features).shape[2:] for head in model.auxiliary_head] == [features[0].shape[2:]] * 2


def test_heads_look_at_stages_1_2_and_3():
    model = network().eval()
    features = [torch.randn(1, 16, 8, 8) for _ in range(3)]
    heads = [*model.auxiliary_head, model.decode_head]
    before = [head(features) for head in heads]
    for index, head in enumerate(heads):
        for other in range(3):
            changed = [feature + (k == other) for k, feature in enumerate(features)]
            assert torch.equal(head(changed), before[index]) == (index != other)


def test_initial_weights_are_as_wide_as_their_inputs_call_for():
    torch.manual_seed(0)
    model = network()
    model.init_weights()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 5000:
            assert module.weight.std().item() == pytest.approx((2 / module.weight[0].numel()) ** 0.5, rel=0.1)
            assert not module.bias.any()


def crack_batch(side: tuple[int, int], size: int) -> dict:
    """Bright images with a dark line each, which the label marks; the last columns are ignored."""
    inputs, samples = [], []
    for k in range(size):
        label = torch.zeros(1, *side, dtype=torch.long)
        label[:, 20 + k : 22 + k] = 1
        inputs.append((200 - 150 * label).expand(3, -1, -1).to(torch.uint8))
        label[..., -4:] = 255
        meta = dict(ori_shape=side, img_shape=side)
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta))
    return dict(inputs=inputs, data_samples=samples)


def test_there_are_crack_sets():
    assert len(SETS) >= 7


@pytest.mark.parametrize('name', SETS)
def test_a_training_step_and_a_prediction_on_every_crack_set(name):
    cfg = load_config(LEAF, [f'datasets={name}'])
    assert cfg.train_dataloader.dataset.type == 'CrackDataset'
    torch.manual_seed(0)
    model = network([f'datasets={name}'])
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    data = model.data_preprocessor(crack_batch(cfg.crop_size, 2), training=True)
    losses = model.train()(**data, mode='loss')
    assert set(losses) == {f'{head}.loss_bce_dice' for head in ('decode', 'aux_0', 'aux_1')}
    optimizer.backward(model.parse_losses(losses)[0])
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    optimizer.step()
    (sample,) = model.eval().test_step(crack_batch((61, 90), 1))
    assert sample.pred_sem_seg.data.shape == sample.seg_logits.data.shape == (1, 61, 90)
    assert 0 <= sample.seg_logits.data.min() <= sample.seg_logits.data.max() <= 1


def test_it_learns_a_line():
    torch.manual_seed(0)
    model = network().train()
    model.init_weights()
    model.data_preprocessor.size = (64, 64)
    data = model.data_preprocessor(crack_batch((64, 64), 2), training=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    values = []
    for _ in range(40):
        optimizer.zero_grad()
        total, _ = model.parse_losses(model(**data, mode='loss'))
        total.backward()
        optimizer.step()
        values.append(total.item())
    assert values[-1] < values[0] / 3

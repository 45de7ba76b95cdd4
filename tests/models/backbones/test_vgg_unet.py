"""The U-Net family: published parameter counts, sizes that no halving divides, what each joint sees."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_ext.engine  # noqa: F401 (registers what the configs name)
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.models.backbones.vgg_unet import AttentionGate, AttentionUNet, NestedUNet, VGGUNet

BASES = {'unet': 7_852_545, 'unetpp': 9_163_329, 'unetpp_ds': 9_163_428, 'attention_unet': 7_984_797}
FAMILY = (VGGUNet, AttentionUNet, NestedUNet)


def network(name: str, **head) -> torch.nn.Module:
    cfg = load_config(f'configs/_base_/models/{name}.py')
    loss = dict(type='BCEDiceLoss') if head.get('out_channels') == 1 else dict(type='MaskedCrossEntropyLoss')
    cfg.model.decode_head.update(loss_decode=loss, **head)
    init_default_scope('mmseg')
    return MODELS.build(cfg.model)


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize('name', BASES)
def test_parameters_with_one_logit(name):
    assert parameters(network(name, num_classes=2, out_channels=1, threshold=0.5)) == BASES[name]


@pytest.mark.parametrize(('classes', 'count'), [(2, 7_852_578), (3, 7_852_611)])
def test_parameters_with_more_classes(classes, count):
    assert parameters(network('unet', num_classes=classes)) == count


def test_multiplications_of_the_published_table():
    """55.865 G at 512 x 512, counted where they happen, in the convolutions, their biases with them."""
    model, total = VGGUNet().eval(), 0

    def count(module: torch.nn.Module, _, output: torch.Tensor) -> None:
        nonlocal total
        total += output[0].numel() * (module.weight[0].numel() + 1)

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 64))
    total += 33 * 64 * 64  # the 1 x 1 convolution to the logit
    assert round(total * 64 / 1e9, 3) == 55.865


@pytest.mark.parametrize('kind', FAMILY)
@settings(max_examples=8, deadline=None)
@given(height=st.integers(16, 50), width=st.integers(16, 50))
def test_features_have_the_size_of_the_image(kind, height, width):
    with torch.no_grad():
        outputs = kind(base_channels=2).eval()(torch.rand(1, 3, height, width))
    assert {output.shape for output in outputs} == {(1, 2, height, width)}
    assert len(outputs) == (4 if kind is NestedUNet else 1)


@pytest.mark.parametrize('kind', FAMILY)
def test_an_image_that_the_halvings_leave_nothing_of(kind):
    with pytest.raises(ValueError, match=r'15 x 40 px.*need 16 px'):
        kind(base_channels=2)(torch.rand(1, 3, 15, 40))


def test_unet_against_its_definition():
    """Each decoder block sees its skip first, then what comes from below, enlarged with aligned corners."""
    torch.manual_seed(0)
    model, images = VGGUNet(base_channels=2).eval(), torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        levels = [images]
        for block in model.encoder:
            levels.append(block(levels[-1] if len(levels) == 1 else F.max_pool2d(levels[-1], 2)))
        below = levels.pop()
        for level in (3, 2, 1, 0):
            large = F.interpolate(below, scale_factor=2, mode='bilinear', align_corners=True)
            below = model.decoder[level](torch.cat([levels[level + 1], large], 1))
        assert torch.equal(model(images)[0], below)


def test_nested_unet_against_its_definition():
    torch.manual_seed(0)
    model, images = NestedUNet(base_channels=2).eval(), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        x = {(level, 0): feature for level, feature in enumerate(model.encode(images))}
        for step in range(1, 5):
            for level in range(5 - step):
                large = F.interpolate(x[level + 1, step - 1], scale_factor=2, mode='bilinear', align_corners=True)
                earlier = [x[level, each] for each in range(step)]
                x[level, step] = model.nested[f'{level}_{step}'](torch.cat([*earlier, large], 1))
        for step, output in enumerate(model(images), 1):
            assert torch.equal(output, x[0, step])


def test_a_gate_that_is_open_makes_it_a_unet():
    torch.manual_seed(0)
    gated, plain, images = (
        AttentionUNet(base_channels=2).eval(),
        VGGUNet(base_channels=2).eval(),
        torch.rand(1, 3, 32, 32),
    )
    plain.load_state_dict(gated.state_dict(), strict=False)
    for gate in gated.gates:
        torch.nn.init.zeros_(gate.attention[1].weight)
        torch.nn.init.constant_(gate.attention[1].bias, 50.0)  # a sigmoid of 1
    with torch.no_grad():
        assert torch.equal(gated(images)[0], plain(images)[0])


def test_a_gate_looks_at_both_and_multiplies_the_skip():
    gate = AttentionGate(2).eval()
    for module, weight in ((gate.signal[0], 1.0), (gate.skip[0], -1.0), (gate.attention[0], 2.0)):
        torch.nn.init.constant_(module.weight, weight)
        torch.nn.init.zeros_(module.bias)
    skip, signal = torch.full((1, 2, 1, 1), 0.5), torch.full((1, 4, 1, 1), 0.75)
    # 4 x 0.75 - 2 x 0.5 = 2 in the one channel between, doubled; normalised by its first statistics, 0 and 1.
    with torch.no_grad():
        assert gate(skip, signal).flatten().tolist() == pytest.approx(
            [0.5 * torch.tensor(4.0).sigmoid().item()] * 2, abs=1e-4
        )


def test_deep_supervision_is_the_mean_of_four_losses_and_predicts_with_the_last():
    torch.manual_seed(0)
    cfg = load_config('configs/_base_/models/unetpp_ds.py').model
    cfg.backbone.base_channels = cfg.decode_head.in_channels = 2
    cfg.decode_head.update(num_classes=2, out_channels=1, threshold=0.5, loss_decode=dict(type='BCEDiceLoss'))
    init_default_scope('mmseg')
    model = MODELS.build(cfg).eval()
    images, label = torch.rand(2, 3, 32, 32), torch.randint(0, 2, (2, 1, 32, 32))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=each)) for each in label]
    with torch.no_grad():
        losses, features = model.loss(images, samples), model.extract_feat(images)
        head = model.decode_head
        outputs = [conv(each) for conv, each in zip([*head.earlier, head.conv_seg], features, strict=True)]
        expected = sum(head.loss_decode(each, label[:, 0]) for each in outputs) / 4
        assert torch.equal(head(features), outputs[-1])
    assert list(losses) == ['decode.loss_bce_dice']
    assert losses['decode.loss_bce_dice'].item() == pytest.approx(expected.item(), rel=1e-6)

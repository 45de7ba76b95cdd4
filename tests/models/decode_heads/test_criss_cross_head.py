"""CCNet's head: identity at first, two passes reach every pixel, weights named as published, exportable."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

import mmseg_ext.models  # noqa: F401 registers the head
from mmseg_ext.models.decode_heads.criss_cross_head import CrissCrossAttention


def head(**changes: object) -> torch.nn.Module:
    init_default_scope('mmseg')
    torch.manual_seed(0)
    settings = dict(in_channels=8, channels=16, num_classes=2, norm_cfg=dict(type='BN'), input_transform=None)
    return MODELS.build(dict(type='CrissCrossHead', **{**settings, **changes})).eval()


def test_the_attention_begins_as_identity_and_learns_from_there():
    block = CrissCrossAttention(16)
    x = torch.rand(2, 16, 3, 5)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.gamma.scale.grad.abs() > 0


def test_the_weights_have_their_published_names_and_shapes():
    names = {name: tuple(weight.shape) for name, weight in head().named_parameters() if name.startswith('cca.')}
    assert names == {
        'cca.query_conv.weight': (2, 16, 1, 1),
        'cca.query_conv.bias': (2,),
        'cca.key_conv.weight': (2, 16, 1, 1),
        'cca.key_conv.bias': (2,),
        'cca.value_conv.weight': (16, 16, 1, 1),
        'cca.value_conv.bias': (16,),
        'cca.gamma.scale': (),
    }


@pytest.mark.parametrize(('recurrence', 'hears'), [(1, False), (2, True)])
def test_two_passes_carry_a_pixel_to_all_others(recurrence, hears):
    block = CrissCrossAttention(16)
    block.gamma.scale.data.fill_(1.0)
    x = torch.rand(1, 16, 4, 5, requires_grad=True)
    y = x
    for _ in range(recurrence):
        y = block(y)
    y[0, :, 0, 0].sum().backward()
    assert bool(x.grad[0, :, 3, 4].abs().sum() > 0) is hears


@pytest.mark.parametrize('recurrence', [1, 2, 3])
def test_the_head_passes_as_often_as_it_is_told(recurrence):
    built, passes = head(recurrence=recurrence), []
    built.cca.register_forward_hook(lambda *_: passes.append(1))
    built([torch.rand(1, 8, 3, 4)])
    assert len(passes) == recurrence


@pytest.mark.parametrize('concat', [True, False])
def test_every_weight_learns(concat):
    built = head(concat_input=concat).train()
    built.cca.gamma.scale.data.fill_(0.5)
    logits = built([torch.rand(2, 8, 6, 7)])
    assert logits.shape == (2, 2, 6, 7)
    logits.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in built.parameters())


def test_no_pass_at_all_is_an_error():
    with pytest.raises(ValueError, match='recurrence must be at least 1, got 0'):
        head(recurrence=0)


def test_the_graph_can_be_exported():
    built = head()
    built.cca.gamma.scale.data.fill_(0.5)
    inputs = ([torch.rand(1, 8, 6, 7)],)
    program = torch.export.export(built, inputs)
    assert torch.allclose(program.module()(*inputs), built(*inputs), atol=1e-6)
    assert 'diag' not in str(program.graph)

"""Residual linear interpolation, layer by layer, against the attention of diffusers."""

from copy import deepcopy

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from augment.attention.install import installed
from augment.attention.processors import ResidualProcessor
from augment.config.settings import RLISettings


def test_without_rli_and_control_it_is_the_attention_of_diffusers_bit_for_bit(pipe, batch):
    before = batch(pipe.unet)
    with installed(pipe.unet, RLISettings(alpha=0)):
        assert torch.equal(batch(pipe.unet), before)
    assert isinstance(pipe.unet.mid_block.attentions[0].transformer_blocks[0].attn1.processor, AttnProcessor2_0)


def test_rli_blends_the_output_with_the_input(pipe):
    block = pipe.unet.up_blocks[0].attentions[0].transformer_blocks[0]
    states = torch.randn(2, 16, 32, generator=torch.Generator().manual_seed(3))
    plain = AttnProcessor2_0()(block.attn1, states)

    for alpha in (0.1, 0.75, 1.0):
        blended = ResidualProcessor(alpha)(block.attn1, states)
        assert torch.allclose(blended, (1 - alpha) * plain + alpha * states, atol=1e-6)


def test_what_follows_the_output_projection_is_run_before_rli(pipe):
    attn = deepcopy(pipe.unet.up_blocks[0].attentions[0].transformer_blocks[0].attn1)
    attn.to_out[1] = torch.nn.Softsign()  # in place of a dropout, which does nothing outside training
    states = torch.randn(2, 16, 32, generator=torch.Generator().manual_seed(3))

    plain = AttnProcessor2_0()(attn, states)

    assert torch.equal(ResidualProcessor()(attn, states), plain)
    assert torch.allclose(ResidualProcessor(0.4)(attn, states), 0.6 * plain + 0.4 * states, atol=1e-6)


def test_alpha_one_returns_the_input_of_self_attention_upwards_and_leaves_the_others(pipe, batch):
    seen = {}
    hooks = [
        module.register_forward_hook(
            lambda module, args, kwargs, out, name=name: seen.update({name: (module, *args, kwargs, out)}),
            with_kwargs=True,
        )
        for name, module in pipe.unet.named_modules()
        if name.endswith(('attn1', 'attn2'))
    ]
    with installed(pipe.unet, RLISettings(alpha=1)):
        batch(pipe.unet)
    for hook in hooks:
        hook.remove()

    assert len(seen) == len(pipe.unet.attn_processors)
    for name, (module, states, kwargs, out) in seen.items():
        plain = AttnProcessor2_0()(module, states, kwargs['encoder_hidden_states'])
        if name.startswith('up_blocks') and name.endswith('attn1'):
            assert torch.equal(out, states)
            assert not torch.allclose(plain, states, atol=1e-2)
        else:
            assert torch.equal(out, plain)


def test_attention_masks_are_refused(pipe):
    attn = pipe.unet.mid_block.attentions[0].transformer_blocks[0].attn1

    with pytest.raises(ValueError, match='without attention masks'):
        ResidualProcessor()(attn, torch.zeros(1, 16, 32), attention_mask=torch.zeros(1, 16))

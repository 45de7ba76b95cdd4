"""Putting attention into a UNet and taking it out; what gradients and memory see of it; which layers there are."""

from collections import Counter

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch._dynamo.testing import CompileCounter

from augment.attention.control import EditControl
from augment.attention.install import installed, layers, place_of
from augment.attention.processors import ControlProcessor, ResidualProcessor
from augment.attention.rows import Rows
from augment.config.settings import ControlSettings, RLISettings
from augment.sdxl.tiny import tiny_sdxl

# The configuration of stabilityai/stable-diffusion-xl-base-1.0, as far as it differs from the defaults.
SDXL = dict(
    addition_embed_type='text_time',
    addition_time_embed_dim=256,
    attention_head_dim=[5, 10, 20],
    block_out_channels=[320, 640, 1280],
    cross_attention_dim=2048,
    down_block_types=['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
    layers_per_block=2,
    projection_class_embeddings_input_dim=2816,
    sample_size=128,
    transformer_layers_per_block=[1, 2, 10],
    up_block_types=['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    use_linear_projection=True,
)


@pytest.fixture
def control(alignment):
    return EditControl([[alignment()]], ControlSettings(), 4, (16, 16))


@pytest.fixture(scope='module')
def sdxl():
    """The layers of the real model at 1024 x 1024."""
    return layers(SDXL, (128, 128))


def test_the_layers_of_stable_diffusion_xl(sdxl):
    places = Counter(layer.place for layer in sdxl)

    assert len(sdxl) == 140
    assert sum(layer.place.endswith('.self') for layer in sdxl) == 70
    assert places == {
        **{
            f'{part}.{kind}': n
            for part, n in (('down', 24), ('mid', 10), ('up', 36))
            for kind in ('self', 'cross')
        }
    }


def test_the_tokens_of_stable_diffusion_xl(sdxl):
    tokens = Counter(
        (layer.name.split('.attentions')[0], layer.tokens) for layer in sdxl if '.self' in layer.place
    )

    assert tokens == {
        ('down_blocks.1', 64**2): 4,
        ('down_blocks.2', 32**2): 20,
        ('mid_block', 32**2): 10,
        ('up_blocks.0', 32**2): 30,
        ('up_blocks.1', 64**2): 6,
    }


@pytest.mark.parametrize(
    ('limit', 'size', 'own'),
    [('auto', 1024, 60), ('auto', 512, 60), ('all', 1024, 70), (256, 1024, 0), (4096, 1024, 70)],
)
def test_the_controlled_layers_of_stable_diffusion_xl(limit, size, own):
    found = layers(SDXL, (size // 8, size // 8), ControlSettings(self_limit=limit))

    controlled = Counter(layer.place.split('.')[1] for layer in found if layer.controlled)
    assert controlled == Counter({'self': own, 'cross': 70})


def test_tokens_are_those_that_the_layers_are_asked_for(pipe, batch):
    seen, size = {}, (18, 26)
    batch.latents = torch.zeros(4, 4, *size)
    modules = dict(pipe.unet.named_modules())
    hooks = [
        modules[layer.name].register_forward_hook(
            lambda module, args, out, name=layer.name: seen.update({name: args[0].shape[1]})
        )
        for layer in layers(pipe.unet, size)
    ]
    batch(pipe.unet)
    for hook in hooks:
        hook.remove()

    assert seen == {layer.name: layer.tokens for layer in layers(pipe.unet, size)}


@pytest.mark.parametrize(
    ('where', 'expected'),
    [(('up.self',), {'up.self'}), (('down.cross', 'mid.self'), {'down.cross', 'mid.self'}), ((), set())],
)
def test_rli_is_where_it_is_asked_for_and_nowhere_else(pipe, where, expected):
    with installed(pipe.unet, RLISettings(alpha=0.2, where=where)):
        found = [(place_of(name), processor.alpha) for name, processor in pipe.unet.attn_processors.items()]

    assert {place for place, alpha in found if alpha} == expected
    assert {alpha for _, alpha in found} <= {0, 0.2}


def test_rli_counts_the_self_attention_of_the_up_blocks(pipe):
    modules = [name for name, _ in pipe.unet.up_blocks.named_modules() if name.endswith('attn1')]
    with installed(pipe.unet, RLISettings()):
        found = [processor for processor in pipe.unet.attn_processors.values() if processor.alpha == 0.1]

    assert len(found) == len(modules) > 0


def test_before_and_after_are_the_same_objects(pipe, control):
    before = dict(pipe.unet.attn_processors)
    with installed(pipe.unet, RLISettings()) as unet:
        assert all(type(processor) is ResidualProcessor for processor in unet.attn_processors.values())
        inside = dict(unet.attn_processors)
        with installed(unet, RLISettings(), control):
            assert all(type(processor) is ControlProcessor for processor in unet.attn_processors.values())
        assert unet.attn_processors == inside
    assert pipe.unet.attn_processors == before


def test_processors_are_taken_out_after_an_exception(pipe, batch, control):
    before, plain = dict(pipe.unet.attn_processors), batch(pipe.unet)
    with pytest.raises(KeyboardInterrupt), installed(pipe.unet, RLISettings(), control):
        raise KeyboardInterrupt

    assert pipe.unet.attn_processors == before
    assert torch.equal(batch(pipe.unet), plain)


@pytest.mark.parametrize('rows', [None, Rows([2], [[3]])])
def test_gradients_reach_the_prompt_and_no_weight(pipe, batch, control, rows):
    control.rows = rows
    batch.seq, batch.pooled = (part.clone().requires_grad_() for part in (batch.seq, batch.pooled))
    with installed(pipe.unet, RLISettings(), control):
        batch(pipe.unet).square().mean().backward()

    assert all(row.abs().max() > 0 for part in (batch.seq, batch.pooled) for row in part.grad)
    assert all(weight.grad is None for weight in pipe.unet.parameters())


def saved_shapes(batch, unet):
    """Shapes of what a forward pass keeps for the backward pass, weights left out."""
    shapes, weights = set(), {id(weight) for weight in unet.parameters()}

    def kept(tensor):
        if id(tensor) not in weights:
            shapes.add(tuple(tensor.shape))
        return tensor

    batch.seq.requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(kept, lambda tensor: tensor):
        batch(unet)
    return shapes


# 24 x 32 latents: 192 and 48 tokens, which nothing else in the tiny UNet has as its size.
TOKENS = (192, 48)


def maps_among(shapes):
    return [shape for shape in shapes if len(shape) > 1 and shape[-2] in TOKENS and shape[-1] in (*TOKENS, 77)]


def test_no_attention_map_is_kept_for_the_backward_pass(pipe, batch, alignment):
    batch.latents = torch.zeros(4, 4, 24, 32)
    control = EditControl([[alignment()]], ControlSettings(self_limit='all'), 4, (24, 32))
    control.rows = Rows([2], [[3]])
    for chosen in (None, control):
        with installed(pipe.unet, RLISettings(), chosen):
            assert maps_among(saved_shapes(batch, pipe.unet)) == []

    before = dict(pipe.unet.attn_processors)
    pipe.unet.set_attn_processor(AttnProcessor())
    shapes = saved_shapes(batch, pipe.unet)
    pipe.unet.set_attn_processor(before)
    assert {shape[-2:] for shape in maps_among(shapes)} == {(192, 192), (48, 48), (192, 77), (48, 77)}


def test_compiled_layers_are_compiled_once_and_wait_while_an_edit_is_controlled(batch, control):
    unet, compiled = tiny_sdxl(0).unet, CompileCounter()
    control.rows = Rows([2], [[3]])
    with installed(unet, RLISettings()):
        plain = batch(unet)
    with installed(unet, RLISettings(), control):
        edited = batch(unet)
    assert not torch.allclose(plain, edited, atol=1e-3)

    unet.compile_repeated_blocks(fullgraph=True, backend=compiled)
    counts = []
    for _ in range(3):
        with torch.no_grad(), installed(unet, RLISettings()):
            assert torch.equal(batch(unet), plain)
        counts.append(compiled.frame_count)
        with torch.no_grad(), installed(unet, RLISettings(), control):
            assert torch.equal(batch(unet), edited)
    assert counts[0] == counts[1] == counts[2] > 0

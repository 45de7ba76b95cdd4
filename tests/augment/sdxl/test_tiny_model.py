"""The tiny model is built as the real one is."""

import time

import torch

from augment.sdxl.loader import native_size
from augment.sdxl.tiny import tiny_sdxl


def weights(pipe):
    parts = (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2)
    return [tensor for part in parts for tensor in part.state_dict().values()]


def test_a_seed_gives_the_same_weights_and_leaves_the_generator_alone(pipe):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again, other = tiny_sdxl(0), tiny_sdxl(1)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(weights(pipe), weights(again), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(pipe), weights(other), strict=True))


def test_native_images_of_128_pixels_with_16_latents(pipe):
    assert pipe.vae_scale_factor == 8
    assert native_size(pipe) == 128
    assert pipe.default_sample_size == 16


def test_attention_where_the_real_model_has_it(pipe):
    blocks = {name.split('.attentions')[0] for name in pipe.unet.attn_processors}
    assert blocks == {'down_blocks.1', 'down_blocks.2', 'mid_block', 'up_blocks.0', 'up_blocks.1'}
    tokens = {}

    def note(name):
        def hook(_, args):
            tokens[name] = args[0].shape[1]

        return hook

    modules = [(name, module) for name, module in pipe.unet.named_modules() if name.endswith('attn1')]
    hooks = [module.register_forward_pre_hook(note(name)) for name, module in modules]
    added = {'text_embeds': torch.zeros(1, 32), 'time_ids': torch.zeros(1, 6)}
    with torch.no_grad():
        pipe.unet(torch.zeros(1, 4, 16, 16), 1, torch.zeros(1, 77, 64), added_cond_kwargs=added)
    for hook in hooks:
        hook.remove()
    assert {name.split('.attentions')[0]: count for name, count in tokens.items()} == {
        'down_blocks.1': 64,
        'down_blocks.2': 16,
        'mid_block': 16,
        'up_blocks.0': 16,
        'up_blocks.1': 64,
    }


def test_frozen_in_evaluation_without_watermark(pipe):
    assert pipe.watermark is None
    for part in (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2):
        assert not part.training
        assert not any(weight.requires_grad for weight in part.parameters())


def test_the_pipeline_itself_runs_on_it_in_a_moment():
    pipe = tiny_sdxl(2)
    pipe.set_progress_bar_config(disable=True)
    begin = time.perf_counter()
    image = pipe('photo of a crack', num_inference_steps=2, output_type='np').images[0]
    assert image.shape == (128, 128, 3)
    assert time.perf_counter() - begin < 10

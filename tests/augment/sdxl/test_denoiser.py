"""One noise prediction: what the UNet is asked, and what comes back."""

import pytest
import torch

from augment.errors import NonFiniteError, UsageError
from augment.sdxl.conditioning import Conditioning, encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tiny import tiny_sdxl

PROMPTS = ['photo of a crack', 'photo of a crack with peeling', '']


@pytest.fixture(scope='module')
def grid(pipe):
    return DDIMGrid.from_pipeline(pipe, 5)


@pytest.fixture(scope='module')
def cond(pipe):
    return encode(pipe, PROMPTS)


def latents(n=3, size=16):
    return torch.randn(n, 4, size, size, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_the_unet_is_asked_as_the_pipeline_asks_it(pipe, grid, cond):
    ids = pipe._get_add_time_ids((128, 96), (0, 0), (128, 96), torch.float32, text_encoder_projection_dim=32)
    z = torch.randn(3, 4, 16, 12, generator=torch.Generator().manual_seed(1))
    expected = pipe.unet(
        z,
        grid.timesteps[2],
        encoder_hidden_states=cond.seq,
        added_cond_kwargs={'text_embeds': cond.pooled, 'time_ids': ids.repeat(3, 1)},
    ).sample
    assert torch.equal(Denoiser(pipe, grid, (128, 96))(z, 2, cond), expected)
    assert not torch.equal(Denoiser(pipe, grid, (96, 128))(z, 2, cond), expected), 'the size is told to the model'


@torch.no_grad()
def test_rows_in_several_calls_are_rows_in_one(pipe, grid, cond):
    calls = []
    hook = pipe.unet.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    whole = Denoiser(pipe, grid, (128, 128))(latents(), 1, cond)
    split = Denoiser(pipe, grid, (128, 128), split_rows=2)(latents(), 1, cond)
    hook.remove()
    assert calls == [3, 2, 1]
    torch.testing.assert_close(split, whole, rtol=1e-5, atol=1e-5)
    with pytest.raises(UsageError, match='split_rows: 0'):
        Denoiser(pipe, grid, (128, 128), split_rows=0)


def test_gradients_reach_latents_and_prompts_never_weights(pipe, grid, cond):
    z = latents().requires_grad_()
    free = Conditioning(cond.seq.clone().requires_grad_(), cond.pooled.clone().requires_grad_())
    Denoiser(pipe, grid, (128, 128))(z, 3, free).square().mean().backward()
    for tensor in (z, free.seq, free.pooled):
        assert tensor.grad.abs().sum() > 0
    assert all(weight.grad is None and not weight.requires_grad for weight in pipe.unet.parameters())


@torch.no_grad()
def test_a_velocity_becomes_the_noise_that_the_scheduler_takes_it_for(cond):
    pipe = tiny_sdxl(0, prediction_type='v_prediction')
    grid, z = DDIMGrid.from_pipeline(pipe, 5), latents()
    scheduler = pipe.scheduler
    scheduler.set_timesteps(5)
    velocity = Denoiser(tiny_sdxl(0), DDIMGrid.from_pipeline(tiny_sdxl(0), 5), (128, 128))
    denoiser = Denoiser(pipe, grid, (128, 128))
    for i in range(5):
        v = velocity(z, i, cond)
        expected = scheduler.step(v, grid.timesteps[i], z).prev_sample
        torch.testing.assert_close(grid.down(z, denoiser(z, i, cond), i), expected, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(denoiser(z, i, cond), v)


@torch.no_grad()
def test_half_precision_is_inside_alone(cond):
    pipe = tiny_sdxl(0)
    grid = DDIMGrid.from_pipeline(pipe, 5)
    exact = Denoiser(pipe, grid, (128, 128))(latents(), 2, cond)
    rounded = Denoiser(pipe, grid, (128, 128), torch.bfloat16)(latents(), 2, cond)
    assert pipe.unet.dtype == torch.bfloat16
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0, atol=0.05)
    Denoiser(pipe, grid, (128, 128), torch.float32)
    assert pipe.unet.dtype == torch.float32, 'a second try in full precision'


def test_overflow_is_caught_with_its_step(cond):
    pipe = tiny_sdxl(0)
    denoiser = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, 5), (128, 128))
    z = latents()
    z[1, 0, 0, 0] = float('nan')
    with torch.no_grad(), pytest.raises(NonFiniteError, match=r'step 4 in torch\.float32'):
        denoiser(z, 4, cond)


def test_as_many_prompts_as_latents(pipe, grid, cond):
    with pytest.raises(ValueError, match='3 latents need as many rows of conditioning, got 2'):
        Denoiser(pipe, grid, (128, 128))(latents(), 0, cond[:2])


@torch.no_grad()
def test_noise_depends_on_step_prompt_and_latents(pipe, grid, cond):
    denoiser, z = Denoiser(pipe, grid, (128, 128)), latents(1).repeat(3, 1, 1, 1)
    noise = denoiser(z, 0, cond)
    assert (noise[0] - noise[1]).abs().max() > 1e-3
    assert (noise[0] - noise[2]).abs().max() > 1e-3
    assert (noise - denoiser(z, 4, cond)).abs().max() > 1e-3

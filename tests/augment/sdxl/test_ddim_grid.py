"""The DDIM path against diffusers' own schedulers, and hand-computed values."""

import math
from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMInverseScheduler, EulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.errors import UsageError
from augment.sdxl.schedule import DDIMGrid, ddim_scheduler
from augment.sdxl.tiny import SCHEDULE

EULER = EulerDiscreteScheduler(**SCHEDULE, timestep_spacing='linspace').config


def grid_of(steps, **config):
    return DDIMGrid.from_pipeline(SimpleNamespace(scheduler=SimpleNamespace(config={**EULER, **config})), steps)


def latents(seed, *shape):
    return torch.randn(*shape or (2, 4, 6, 5), generator=torch.Generator().manual_seed(seed))


def test_fifty_steps_are_those_that_stable_diffusion_was_trained_with():
    grid = grid_of(50)
    assert len(grid) == 50
    assert grid.timesteps == tuple(range(981, 0, -20))
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alphas = (1 - betas).cumprod(0)
    assert grid.alpha_bar(0) == pytest.approx(alphas[981].item(), rel=1e-4)
    assert grid.alpha_bar(49) == pytest.approx(alphas[1].item(), rel=1e-6)
    assert grid.alpha_bar(50) == pytest.approx(1 - 0.00085, rel=1e-6), 'the image keeps the first beta, not none'


@pytest.mark.parametrize('prediction', ['epsilon', 'v_prediction'])
def test_fields_that_other_schedulers_lack_are_forced(prediction):
    config = ddim_scheduler({**EULER, 'prediction_type': prediction, 'timestep_spacing': 'trailing'}).config
    assert config.clip_sample is False
    assert config.set_alpha_to_one is False
    assert config.steps_offset == 1
    assert config.timestep_spacing == 'leading'
    assert config.thresholding is False
    assert config.prediction_type == prediction
    assert config.beta_start == 0.00085


@pytest.mark.parametrize('steps', [1, 4, 7, 50, 999])
def test_down_is_the_step_of_diffusers(steps):
    grid, scheduler = grid_of(steps), ddim_scheduler(EULER)
    scheduler.set_timesteps(steps)
    z, eps = 5 * latents(0), latents(1)
    for i in range(0, steps, max(steps // 10, 1)):
        expected = scheduler.step(eps, grid.timesteps[i], z).prev_sample
        torch.testing.assert_close(grid.down(z, eps, i), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('steps', [4, 50])
def test_up_is_the_inverse_step_of_diffusers(steps):
    grid = grid_of(steps)
    inverse = DDIMInverseScheduler.from_config(dict(ddim_scheduler(EULER).config))
    inverse.initial_alpha_cumprod = inverse.alphas_cumprod[0]  # its set_alpha_to_one=False, under whichever name
    inverse.set_timesteps(steps)
    z, eps = latents(0), latents(1)
    for i in range(steps):
        expected = inverse.step(eps, grid.timesteps[i], z).prev_sample
        torch.testing.assert_close(grid.up(z, eps, i), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(steps=st.integers(1, 999), seed=st.integers(0, 99), data=st.data())
def test_up_undoes_down(steps, seed, data):
    grid = grid_of(steps)
    i = data.draw(st.integers(0, steps - 1))
    z, eps = latents(seed), latents(seed + 100)
    torch.testing.assert_close(grid.up(grid.down(z, eps, i), eps, i), z, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(grid.down(grid.up(z, eps, i), eps, i), z, rtol=1e-5, atol=2e-5)


def test_the_true_noise_leads_to_the_level_below():
    """``z = sqrt(a) x + sqrt(1 - a) e`` with e predicted exactly becomes the same mixture at the next level."""
    grid, x, e = grid_of(10), latents(0), latents(1)
    mixed = [math.sqrt(grid.alpha_bar(i)) * x + math.sqrt(1 - grid.alpha_bar(i)) * e for i in range(11)]
    for i in range(10):
        torch.testing.assert_close(grid.down(mixed[i], e, i), mixed[i + 1])
        torch.testing.assert_close(grid.up(mixed[i + 1], e, i), mixed[i])


def test_gradients_pass_a_step_and_latents_stay_float32():
    grid, eps = grid_of(4), latents(1).requires_grad_()
    z = grid.down(latents(0), eps, 1)
    z.sum().backward()
    a, b = grid.alpha_bar(1), grid.alpha_bar(2)
    expected = math.sqrt(1 - b) - math.sqrt(b / a) * math.sqrt(1 - a)
    assert z.dtype == torch.float32
    torch.testing.assert_close(eps.grad, torch.full_like(eps, expected))


@pytest.mark.parametrize('steps', [0, 1000])
def test_steps_beyond_the_schedule_are_refused(steps):
    with pytest.raises(UsageError, match=f'steps: {steps} is not between 1 and 999'):
        grid_of(steps)


def test_schedules_that_cannot_be_inverted_are_refused():
    with pytest.raises(UsageError, match='zero_snr'):
        ddim_scheduler({**EULER, 'rescale_betas_zero_snr': True})
    with pytest.raises(UsageError, match='sample'):
        ddim_scheduler({**EULER, 'prediction_type': 'sample'})
    with pytest.raises(UsageError, match='names no betas'):
        ddim_scheduler({'num_train_timesteps': 1000, 'shift': 3.0})


def test_the_pipe_itself_is_not_changed(pipe):
    before = dict(pipe.scheduler.config), pipe.scheduler.num_inference_steps
    DDIMGrid.from_pipeline(pipe, 7)
    assert (dict(pipe.scheduler.config), pipe.scheduler.num_inference_steps) == before

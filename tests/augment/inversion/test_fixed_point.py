"""DDIM upwards: the plain step against diffusers, and what its refinement does to every image."""

from types import SimpleNamespace

import pytest
import torch
from augment_counting import counted
from diffusers import DDIMInverseScheduler
from tiny_inversions import STEPS, tiny

from augment.inversion.ddim import _step_up, pivots


def scripted(*answers):
    """A denoiser that gives these noises (a list a call), and notes what it was asked."""
    asked, left = [], iter(answers)

    def denoiser(z, i, cond):
        asked.append(z.flatten().tolist())
        return torch.tensor(next(left)).view(-1, 1, 1, 1)

    return SimpleNamespace(call=denoiser, asked=asked)


def refined(evaluations, *answers, below=(0.0,)):
    """The latents (numbers) after ``evaluations`` further ones; up is z + eps, so that one can follow."""

    class Denoiser:
        grid = SimpleNamespace(up=lambda z, eps, i: z + eps)
        script = scripted(*answers)

        def __call__(self, z, i, cond):
            return self.script.call(z, i, cond)

    rows, denoiser = torch.tensor(below).view(-1, 1, 1, 1), Denoiser()
    found = _step_up(denoiser, rows, 0, rows, evaluations)
    return found.flatten().tolist(), denoiser.script.asked


def test_iterates_that_settle_are_followed_to_the_last():
    found, asked = refined(3, [1.0], [1.5], [1.75], [1.8])
    assert asked == [[0.0], [1.0], [1.5], [1.75]]
    assert found == pytest.approx([1.8])


def test_iterates_that_drift_apart_are_given_up_for_the_one_that_missed_least():
    # 1 -> 1.5 misses .5; 1.5 -> 3 misses 1.5: back to 1, and no more is asked.
    found, asked = refined(5, [1.0], [1.5], [3.0])
    assert len(asked) == 3
    assert found == [1.0]


def test_each_image_goes_its_own_way():
    found, asked = refined(3, [1.0, 1.0], [1.5, 1.5], [3.0, 1.75], [1.8], below=(0.0, 0.0))
    assert [len(row) for row in asked] == [2, 2, 2, 1]
    assert found == pytest.approx([1.0, 1.8])


@torch.no_grad()
def test_plain_path_is_that_of_the_inverse_scheduler():
    """diffusers counts its inverse timesteps from below; only the affine step is compared."""
    model = tiny()
    path = pivots(model.denoiser, model.z0, model.cond.repeat(2))
    scheduler = DDIMInverseScheduler.from_config(model.pipe.scheduler.config, steps_offset=1)
    scheduler.set_timesteps(STEPS)
    for k, z in enumerate(path[1:-1], start=1):  # the first step of diffusers' goes to another level
        i = STEPS - 1 - k
        eps = model.denoiser(z, i, model.cond.repeat(2))
        expected = scheduler.step(eps, model.denoiser.grid.timesteps[i], z).prev_sample
        torch.testing.assert_close(path[k + 1], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('seed', range(5))
@torch.no_grad()
def test_refined_steps_come_back_closer(seed):
    """Down and up agree better at every step, by far at most."""
    model = tiny(seed)
    plain, refined = (missed(model, fixed_point) for fixed_point in (0, 5))
    assert (refined < plain).all()
    assert refined.median() < 0.1 * plain.median()


def missed(model, fixed_point):
    """How far each step down from the path ends from where the step up began, (T,)."""
    path = pivots(model.denoiser, model.z0[:1], model.cond, fixed_point)
    steps = []
    for i in range(STEPS):
        z = path[STEPS - i]
        down = model.denoiser.grid.down(z, model.denoiser(z, i, model.cond), i)
        steps.append((down - path[STEPS - 1 - i]).square().mean())
    return torch.stack(steps)


def test_cost_of_the_path():
    model = tiny()
    with counted(model.pipe.unet) as count:
        pivots(model.denoiser, model.z0, model.cond.repeat(2))
    assert (count.forward, count.backward) == (2 * STEPS, 0)
    with counted(model.pipe.unet) as count:
        pivots(model.denoiser, model.z0, model.cond.repeat(2), fixed_point=2)
    assert 2 * STEPS < count.forward <= 3 * 2 * STEPS

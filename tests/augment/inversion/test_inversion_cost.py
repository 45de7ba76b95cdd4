"""Null-text against the plain algorithm: at most half of the evaluations, and no larger error."""

import pytest
import torch
from augment_counting import TRAINABLE, Count, compare, counted
from tiny_inversions import tiny

from augment.config.settings import EditSettings
from augment.sdxl.conditioning import Conditioning


def test_counting_of_rows_by_hand():
    model = tiny()
    seq = model.cond.repeat(2).seq.clone().requires_grad_()
    with counted(model.pipe.unet) as count:
        model.denoiser(model.z0, 0, Conditioning(seq, model.cond.repeat(2).pooled)).sum().backward()
        model.denoiser(
            model.z0[:1], 0, Conditioning(seq[:1], model.cond.pooled)
        )  # its gradient is never asked for
    assert count == Count(forward=3, backward=2)
    assert count.equivalents() == pytest.approx(5.22)
    assert count.equivalents(TRAINABLE) == 7


@pytest.mark.slow
@pytest.mark.parametrize('guidance', [7.5, 15.0])
@pytest.mark.parametrize('seed', range(5))
def test_at_most_half_the_cost_and_no_larger_error(seed, guidance):
    """The default settings in fewer steps; with 50 the share is smaller still (benchmarks/augment_cost.py)."""
    found = compare(seed, EditSettings(guidance=guidance, steps=20))
    assert found.plain == Count(forward=20 * (1 + 1 + 10 + 2), backward=20 * 10)
    assert found.ratio() <= 0.5
    assert found.ratio(TRAINABLE) <= 0.5
    assert found.our_error <= found.plain_error


def test_plain_algorithm_begins_with_the_same_path():
    from augment_reference import Model, upwards

    from augment.inversion.ddim import pivots

    model = tiny()
    plain = upwards(
        Model(model.pipe, len(model.denoiser.grid), (64, 64)), model.z0[:1], (model.cond.seq, model.cond.pooled)
    )
    torch.testing.assert_close(
        torch.stack(plain), pivots(model.denoiser, model.z0[:1], model.cond), rtol=1e-4, atol=1e-4
    )

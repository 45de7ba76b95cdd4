"""What holds for every inversion, and how the methods compare, over seeds and guidance scales."""

import pytest
import torch
from tiny_inversions import STEPS, error, inverted, replayed, settings, tiny

from augment.config import settings as config
from augment.inversion.methods import METHODS, invert

SEEDS = range(5)
SCALES = (7.5, 15.0)
every_case = pytest.mark.parametrize(('seed', 'guidance'), [(seed, scale) for seed in SEEDS for scale in SCALES])


def test_every_method_of_the_settings_is_there():
    assert tuple(METHODS) == config.METHODS


@pytest.mark.parametrize('method', METHODS)
def test_path_begins_at_the_latent_and_has_all_levels(method):
    model = tiny()
    found = inverted(model, settings(method))[0]
    assert torch.equal(found.pivots[0], model.z0[0])
    assert found.pivots.shape == (STEPS + 1, 4, 8, 8)
    assert found.pivots.dtype == torch.float32
    assert (found.method, found.steps, len(found.cond)) == (method, STEPS, 1)
    assert len(found.null) == (STEPS if method == 'null-text' else 1)
    assert torch.equal(found.target(0), found.pivots[-2])
    assert torch.equal(found.target(STEPS - 1), found.pivots[0])


@pytest.mark.parametrize('method', METHODS)
def test_same_bits_twice(method):
    first, second = (inverted(tiny(), settings(method, fixed_point=1))[0] for _ in range(2))
    assert torch.equal(first.pivots, second.pivots)
    assert torch.equal(first.null.seq, second.null.seq)
    assert torch.equal(first.null.pooled, second.null.pooled)


@pytest.mark.parametrize('method', METHODS)
def test_batch_of_two_is_two_singles(method):
    model, chosen = tiny(), settings(method, fixed_point=1)
    both = inverted(model, chosen, images=2)
    for image, together in enumerate(both):
        alone = METHODS[method](model.denoiser, together.pivots[:, None], model.cond, model.empty, chosen, None)[0]
        # Adam makes a full step of .01 where a gradient is nothing but rounding, so single entries may differ.
        assert (together.null.seq - alone.null.seq).abs().mean() < 1e-3
        assert [log.iterations for log in together.losses] == [log.iterations for log in alone.losses]
        for ours, theirs in zip(together.losses, alone.losses, strict=True):
            assert ours.best == pytest.approx(theirs.best, rel=1e-2)
        assert torch.equal(together.pivots[0], model.z0[image])


@pytest.mark.parametrize('method', METHODS)
def test_what_the_neighbour_shows_changes_no_bit(method):
    model, chosen = tiny(), settings(method, patience=99, inner_steps=3)  # so that calls stay of two rows

    def first(neighbour):
        z0 = torch.stack([model.z0[0], neighbour])
        return invert(model.denoiser, z0, model.cond.repeat(2), model.empty, chosen)[0]

    here, there = first(model.z0[1]), first(3 * model.z0[1].flip(0))
    assert torch.equal(here.pivots, there.pivots)
    assert torch.equal(here.null.seq, there.null.seq)
    assert torch.equal(here.null.pooled, there.null.pooled)
    assert here.losses == there.losses


@every_case
def test_source_prompt_as_null_makes_guidance_vanish(seed, guidance):
    model = tiny(seed)
    found = inverted(model, settings('npi'))[0]
    guided, plain = replayed(model, found, guidance), replayed(model, found, 1.0)
    torch.testing.assert_close(guided, plain, rtol=0, atol=1e-6 * plain.abs().max().item())


@every_case
def test_order_of_the_methods(seed, guidance):
    """Optimised from the source < source prompt; optimised from the empty prompt < empty prompt."""
    model = tiny(seed)
    errors = {
        name: error(model, inverted(model, settings(method, guidance, **changes))[0], guidance)
        for name, (method, changes) in {
            'source': ('null-text', {}),
            'npi': ('npi', {}),
            'empty': ('null-text', {'null_init': 'empty'}),
            'ddim': ('ddim', {}),
            'fixed point': ('npi', {'fixed_point': 5}),
        }.items()
    }
    assert errors['source'] < errors['npi']
    assert errors['empty'] < errors['ddim']
    assert errors['fixed point'] < errors['npi']


@pytest.mark.parametrize('method', METHODS)
def test_progress_counts_every_step(method):
    calls = []
    inverted(tiny(), settings(method), progress=lambda *call: calls.append(call))
    stages = ['invert', 'optimise'] if method == 'null-text' else ['invert']
    assert calls == [(stage, done, STEPS) for stage in stages for done in range(1, STEPS + 1)]

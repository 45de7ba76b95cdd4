"""The search for null embeddings: what it keeps, when it ends, what it leaves alone."""

import pytest
import torch
from augment_counting import counted
from tiny_inversions import STEPS, inverted, replayed, settings, tiny

from augment.inversion.null_text import _stalled
from augment.inversion.result import StepLog
from augment.inversion.search import Search

CASES = [(seed, scale) for seed in range(5) for scale in (7.5, 15.0)]


@pytest.mark.parametrize(('seed', 'guidance'), CASES)
@pytest.mark.parametrize('init', ['source', 'empty', 'zeros'])
def test_loss_never_ends_above_its_start_and_replay_ends_where_the_search_did(seed, guidance, init):
    model = tiny(seed)
    found = inverted(model, settings('null-text', guidance, null_init=init, inner_steps=3))[0]
    assert all(log.best <= log.start for log in found.losses)
    assert any(log.best < log.start for log in found.losses)
    assert torch.equal(replayed(model, found, guidance), found.reconstruction)
    assert found.losses[-1].best == pytest.approx(
        (found.reconstruction - found.pivots[0]).square().mean().item(), rel=1e-5
    )


def test_without_keep_best_the_last_iteration_counts():
    model = tiny()
    plain = settings('null-text', keep_best=False, learning_rate=1.0, patience=99)
    found = inverted(model, plain)[0]
    assert any(log.best > log.start for log in found.losses)
    assert torch.equal(replayed(model, found, 15.0), found.reconstruction)


def test_keep_best_survives_steps_that_are_far_too_long():
    model = tiny()
    found = inverted(model, settings('null-text', learning_rate=1.0, patience=5))[0]
    assert all(log.best <= log.start for log in found.losses)
    assert found.losses[0].best < found.losses[0].start  # by shortening


def test_first_loss_from_the_source_prompt_is_that_of_the_conditional_step():
    model = tiny()
    found = inverted(model, settings('null-text'))[0]
    with torch.no_grad():
        eps = model.denoiser(found.noise[None], 0, found.cond)
        z = model.denoiser.grid.down(found.noise[None], eps, 0)
    assert found.losses[0].start == pytest.approx((z[0] - found.target(0)).square().mean().item(), rel=1e-6)


def test_early_stop_spares_calls():
    model = tiny()
    with counted(model.pipe.unet) as thorough:
        inverted(model, settings('null-text'))
    with counted(model.pipe.unet) as satisfied:
        found = inverted(model, settings('null-text', epsilon=1e9))[0]
    # One evaluation a step up, one a step down: the loss at the source prompt needs no other.
    assert (satisfied.forward, satisfied.backward) == (2 * STEPS, 0)
    assert thorough.forward > satisfied.forward
    assert [log.iterations for log in found.losses] == [0] * STEPS
    assert torch.equal(found.null.seq, found.cond.repeat(STEPS).seq)


def test_early_stop_after_an_evaluation_from_the_empty_prompt():
    model = tiny()
    with counted(model.pipe.unet) as count:
        inverted(model, settings('null-text', epsilon=1e9, null_init='empty'))
    assert (count.forward, count.backward) == (3 * STEPS, 0)


def test_patience_ends_a_search_that_gains_nothing():
    hurried, patient = (
        inverted(tiny(), settings('null-text', inner_steps=8, patience=patience))[0].losses for patience in (1, 8)
    )
    assert sum(log.iterations for log in hurried) < sum(log.iterations for log in patient)
    assert all(log.iterations == 8 for log in patient)


def test_cost_is_bounded_by_the_inner_steps():
    with counted(tiny().pipe.unet) as count:
        inverted(tiny(), settings('null-text', inner_steps=4, patience=99, null_init='empty'))
    assert count.forward <= STEPS * (1 + 1 + 5)
    assert count.backward <= STEPS * 4


def test_images_that_are_done_leave_the_batch():
    """The second image costs nothing after its first evaluation where it is good enough at once."""
    from augment.inversion.null_text import null_text

    model, chosen = tiny(), settings('null-text', null_init='empty', epsilon=1e-4, epsilon_slope=0.0, guidance=7.5)
    path = torch.stack([found.pivots for found in inverted(model, settings('npi'), images=2)], dim=1)
    with torch.no_grad():  # a path on which the guided steps already land
        z, path[:, 1] = path[-1, 1:], path[:, 1]
        for i in range(STEPS):
            eps_c, eps_u = (model.denoiser(z, i, cond) for cond in (model.cond, model.empty))
            z = model.denoiser.grid.down(z, eps_u + 7.5 * (eps_c - eps_u), i)
            path[STEPS - 1 - i, 1] = z[0]
    with counted(model.pipe.unet) as count:
        busy, idle = null_text(model.denoiser, path, model.cond.repeat(2), model.empty, chosen)
    assert [log.iterations for log in idle.losses] == [0] * STEPS
    assert sum(log.iterations for log in busy.losses) > 0
    assert count.forward == 3 * STEPS + sum(log.iterations + 1 for log in busy.losses)


@pytest.mark.parametrize('targets', ['both', 'seq'])
def test_null_targets(targets):
    found = inverted(tiny(), settings('null-text', null_targets=targets))[0]
    assert not torch.equal(found.null.seq[-1], found.cond.seq[0])
    assert torch.equal(found.null.pooled[-1], found.cond.pooled[0]) == (targets == 'seq')


@pytest.mark.parametrize(('init', 'name'), [('source', 'cond'), ('empty', 'empty'), ('zeros', None)])
def test_where_the_search_begins(init, name):
    found = inverted(tiny(), settings('null-text', null_init=init, inner_steps=0))[0]
    begin = getattr(tiny(), name).seq[0] if name else torch.zeros_like(found.null.seq[0])
    assert torch.equal(found.null.seq[0], begin)


def test_weights_and_prompts_get_no_gradients():
    model = tiny()
    with torch.no_grad():  # the caller's mode does not matter
        found = inverted(model, settings('null-text'))[0]
    assert sum(log.iterations for log in found.losses) > 0
    assert all(weight.grad is None for weight in model.pipe.unet.parameters())
    tensors = (
        model.cond.seq,
        model.empty.seq,
        found.null.seq,
        found.null.pooled,
        found.reconstruction,
        found.pivots,
    )
    assert not any(tensor.requires_grad for tensor in tensors)


def test_weights_that_want_gradients_get_none_either():
    from augment.sdxl.tiny import tiny_sdxl

    pipe, model = tiny_sdxl(0), tiny()
    pipe.unet.requires_grad_(True)
    before, model.denoiser.unet = model.denoiser.unet, pipe.unet
    try:
        inverted(model, settings('null-text', inner_steps=1))
    finally:
        model.denoiser.unet = before
    assert all(weight.grad is None for weight in pipe.unet.parameters())


@pytest.mark.parametrize(
    ('log', 'stalled'),
    [
        (StepLog(1.0, 0.81, 3), True),
        (StepLog(1.0, 0.79, 3), False),
        (StepLog(1.0, 1.0, 0), False),  # good enough at once
    ],
)
def test_stalled(log, stalled):
    assert _stalled(log) == stalled


def test_rate_falls_and_threshold_rises_from_step_to_step(monkeypatch):
    seen = []

    def noting(start, known, rate, enough, changes):
        seen.append((rate, enough))
        return Search(start, known, rate, enough, changes)

    monkeypatch.setattr('augment.inversion.null_text.Search', noting)
    inverted(tiny(), settings('null-text', inner_steps=0, learning_rate=0.12, epsilon=1e-5, epsilon_slope=2e-5))
    rates, thresholds = zip(*seen, strict=True)
    assert rates == pytest.approx([0.12, 0.11, 0.10, 0.09, 0.08, 0.07])
    assert thresholds == pytest.approx([1e-5, 3e-5, 5e-5, 7e-5, 9e-5, 11e-5])

"""The step length: on a parabola, where the answer is known, and by hand."""

from itertools import pairwise

import pytest
import torch

from augment.config.settings import InversionSettings
from augment.inversion.search import Candidate, Search
from augment.sdxl.conditioning import Conditioning

START = Conditioning(torch.zeros(1, 1, 1), torch.zeros(1, 1))
LATENT = torch.zeros(4, 1, 1)


def search(rate=1.0, known=None, enough=0.0, **changes):
    return Search(START, known, rate, enough, InversionSettings(null_targets='seq', **changes))


def run(found, loss):
    """Drive the search with ``loss`` of its one number; the numbers that it tried."""
    tried = []
    while not found.done:
        tried.append(found.trial.seq.item())
        value = loss(found.trial.seq.sum())
        if found.judge(value.item(), LATENT):
            value.backward()
            found.step()
    return tried


def test_a_step_that_goes_too_far_is_shortened_to_the_minimum():
    tried = run(search(rate=1.0), lambda x: (x - 0.25) ** 2 + 1)
    assert tried[:3] == pytest.approx([0.0, 1.0, 0.25], abs=1e-5)


def test_a_step_that_stops_short_makes_the_next_longer_up_to_twice_the_rate():
    tried = run(search(rate=1.0, inner_steps=3), lambda x: (x - 100) ** 2)
    lengths = [after - before for before, after in pairwise(tried)]
    assert lengths == pytest.approx([1.0, 2.0, 2.0], rel=1e-2)


def test_shortening_has_a_bound():
    tried = run(search(rate=1.0, patience=3), lambda x: (x - 0.001) ** 2 + 1)
    assert tried[:4] == pytest.approx([0.0, 1.0, 0.1, 0.01], abs=1e-4)


def test_known_candidate_is_kept_where_nothing_better_turns_up():
    known = Candidate(0.5, START, LATENT)
    found = search(known=known, inner_steps=2)
    run(found, lambda x: (x - 5) ** 2)
    assert found.result is known
    assert (found.log.start, found.log.best, found.log.iterations) == (0.5, 0.5, 2)


def test_nothing_is_tried_where_the_known_candidate_is_good_enough():
    assert run(search(known=Candidate(0.5, START, LATENT), enough=0.6), lambda x: x**2) == []


def test_best_is_kept_not_the_last():
    found = search(inner_steps=3, patience=9)
    losses = iter([4.0, 2.0, 3.0, 3.5])
    tried = run(found, lambda x: x * 0 + next(losses))
    assert found.result.loss == 2.0
    assert found.result.null.seq.item() == pytest.approx(tried[1])


def test_adam_alone_without_keep_best():
    found, x = search(keep_best=False, inner_steps=4, patience=99, rate=0.3), torch.zeros(1, requires_grad=True)
    tried, adam = run(found, lambda x: (x - 0.1) ** 2), torch.optim.Adam([x], lr=0.3)
    for trial in tried:
        assert trial == pytest.approx(x.item(), abs=1e-6)
        adam.zero_grad()
        ((x - 0.1) ** 2).sum().backward()
        adam.step()
    assert found.result.null.seq.item() == tried[-1]


def test_shortening_twice_uses_the_slope_of_the_shorter_step():
    """Slope -1. Rising by 1 over 1: the minimum is at 1 / 4; by 1 / 4 over that 1 / 4: at its quarter again."""
    losses = iter([1.0, 2.0, 1.25, 0.5])
    tried = run(search(patience=3, inner_steps=3), lambda x: next(losses) - (x - x.detach()))
    assert tried == pytest.approx([0.0, 1.0, 0.25, 0.0625], abs=1e-5)

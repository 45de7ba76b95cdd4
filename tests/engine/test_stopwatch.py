"""The time of a network for an image, with test-time augmentation and without."""

import time
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from mmseg_ext.engine.stopwatch import CALLS, Stopwatch


class Slow(nn.Module):
    """Takes the seconds that its input says, the first time more."""

    calls = 0

    def inference(self, inputs: Tensor, metas: list[dict], times: int = 1) -> Tensor:
        self.calls += 1
        time.sleep(inputs.max().item() * times + 0.2 * (self.calls == 1))
        metas[0]['img_shape'] = 'a window'
        return inputs + times


def watched() -> tuple[Slow, Stopwatch]:
    model = Slow()
    plain = model.inference
    model.inference = partial(plain, times=4)
    return model, Stopwatch(model, plain)


def test_medians_of_an_image():
    model, watch = watched()
    with pytest.raises(ValueError, match='nothing has been timed'):
        _ = watch.cost
    inputs = torch.full((2, 1, 1, 1), 0.04)
    for _ in range(5):
        assert torch.equal(model.inference(inputs, [{}, {}]), inputs + 4)
    assert watch.cost['plain'] == pytest.approx(0.02, abs=0.015)
    assert watch.cost['augmented'] == pytest.approx(0.08, abs=0.03)
    assert 1.5 < watch.cost['ratio'] < 5


def test_what_the_plain_pass_writes_is_not_seen_by_the_other():
    model, watch = watched()
    seen = []
    watch.augmented = lambda inputs, metas: seen.append(dict(metas[0])) or inputs
    model.inference(torch.zeros(1, 1, 1, 1), [dict(img_shape=(1, 1))])
    assert seen == [dict(img_shape=(1, 1))]


def test_after_enough_calls_nothing_more_is_spent():
    model, watch = watched()
    for _ in range(CALLS + 3):
        model.inference(torch.zeros(1, 1, 1, 1), [{}])
    assert len(watch.times) == CALLS
    assert model.calls == 2 * CALLS + 3

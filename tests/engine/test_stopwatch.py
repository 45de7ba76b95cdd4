"""The time of a network for an image."""

import math
import time

import pytest
import torch
from torch import Tensor, nn

from mmseg_ext.engine.stopwatch import Stopwatch


class Slow(nn.Module):
    """Takes the seconds that its input says."""

    def inference(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        time.sleep(inputs.max().item())
        return inputs + len(metas)


def test_the_median_of_an_image():
    model = Slow()
    watch = Stopwatch(model)
    assert math.isnan(watch.seconds)
    for seconds in (0.4, 0.1, 0.1):  # the first sets things up
        inputs = torch.full((2, 1, 1, 1), seconds)
        assert torch.equal(model.inference(inputs, [{}, {}]), inputs + 2)
    assert watch.seconds == pytest.approx(0.05, abs=0.03)
    assert len(watch.times) == 3

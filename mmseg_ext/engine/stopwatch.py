"""How long a network takes for an image, apart from reading, measuring and writing."""

import statistics
import time

import torch
from torch import Tensor, nn


class Stopwatch:
    """Stands in for ``model.inference`` from now on and notes the time of every call.

    A GPU is waited for before and after, so that its work is counted and no other.
    """

    def __init__(self, model: nn.Module):
        self.inference, self.times = model.inference, []
        model.inference = self

    def __call__(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """What the model answers to inputs (N, 3, H, W)."""
        start = _now(inputs)
        logits = self.inference(inputs, metas)
        self.times.append((_now(inputs) - start) / len(inputs))
        return logits

    @property
    def seconds(self) -> float:
        """Seconds an image: the median, since the first calls also set things up. NaN before the first."""
        return statistics.median(self.times) if self.times else float('nan')


def _now(tensor: Tensor) -> float:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
    return time.perf_counter()

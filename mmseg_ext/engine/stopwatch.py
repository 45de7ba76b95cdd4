"""How long a network takes for an image with test-time augmentation and without, apart from all other work."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

CALLS = 50  # that are timed, enough for a median; the others cost nothing more


class Stopwatch:
    """Stands in for ``model.inference`` from now on; ``plain`` is what that was before it saw several views.

    At each of the first calls both are asked, one right after the other, so that whatever else keeps the machine
    busy slows down both. A GPU is waited for before and after, so that its work is counted and no other.
    """

    def __init__(self, model: nn.Module, plain: Callable[[Tensor, list[dict]], Tensor]):
        self.plain, self.augmented, self.times = plain, model.inference, []
        model.inference = self

    def __call__(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """The logits with augmentation, of inputs (N, 3, H, W)."""
        if len(self.times) >= CALLS:
            return self.augmented(inputs, metas)
        start = _now(inputs)
        self.plain(inputs, [dict(meta) for meta in metas])  # mmseg writes into them
        middle = _now(inputs)
        logits = self.augmented(inputs, metas)
        self.times.append(((middle - start) / len(inputs), (_now(inputs) - middle) / len(inputs)))
        return logits

    @property
    def cost(self) -> dict[str, float]:
        """Seconds an image as they are (``plain``) and with augmentation (``augmented``), and their ``ratio``.

        Each is a median, since the first calls also set things up. ValueError before the first call.
        """
        if not self.times:
            raise ValueError('nothing has been timed yet')
        plain, augmented = (statistics.median(each) for each in zip(*self.times, strict=True))
        ratio = statistics.median(after / before for before, after in self.times)
        return dict(plain=round(plain, 6), augmented=round(augmented, 6), ratio=round(ratio, 3))


def _now(tensor: Tensor) -> float:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
    return time.perf_counter()

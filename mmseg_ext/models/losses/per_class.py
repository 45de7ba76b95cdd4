"""Numbers per class as a config writes them: the same for all, a pair, or one by one."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from numbers import Real

import torch
from torch import Tensor

PerClassValue = float | Mapping[str, float] | Sequence[float] | None


class PerClass:
    """A factor per class, resolved when the logits tell how many classes there are.

    ``None`` is no factor, a number is the same for all, ``dict(background=b, defect=d)`` is b for class 0 and d
    for each of the others: these three fit any data set. A list says it class by class and fits one class count.
    """

    def __init__(self, value: PerClassValue, owner: str, name: str) -> None:
        self.value, self.owner, self.name = value, owner, name
        if isinstance(value, Mapping) and set(value) != {'background', 'defect'}:
            raise ValueError(f'{owner}: {name} has the keys {sorted(value)}; give exactly background and defect')
        if any(not isinstance(number, Real) or number < 0 for number in self._numbers(2)):
            raise ValueError(
                f'{owner}: {name}={value!r}; give None, a number >= 0, a list or dict(background=, defect=)'
            )

    def like(self, logits: Tensor) -> Tensor | None:
        """(C,) in dtype and device of ``logits`` (N, C, ...), or None."""
        if self.value is None:
            return None
        classes = logits.shape[1]
        numbers = self._numbers(classes)
        if len(numbers) != classes:
            raise ValueError(
                f'{self.owner}: {self.name}={list(numbers)} has {len(numbers)} numbers but the logits have '
                f'{classes} classes; give one a class, or to fit any count None or dict(background=, defect=). '
                f'E.g. --cfg-options model.decode_head.loss_decode.{self.name}=None (loss_decode.0 in a list of '
                'losses; auxiliary heads likewise), or for a focal loss --swap losses=focal_any'
            )
        return _vector(numbers, logits.dtype, logits.device)

    def _numbers(self, num_classes: int) -> tuple[float, ...]:
        if self.value is None:
            return ()
        if isinstance(self.value, Mapping):
            return (self.value['background'], *[self.value['defect']] * (num_classes - 1))
        if isinstance(self.value, Sequence):
            return tuple(self.value)
        return (self.value,) * num_classes


@lru_cache(maxsize=64)
def _vector(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Made once: copying it to an accelerator at each step would make that wait. Nobody may write into it."""
    with torch.inference_mode(False):  # made in a validation step, it must still serve a training step
        return torch.tensor(numbers, dtype=dtype, device=device)

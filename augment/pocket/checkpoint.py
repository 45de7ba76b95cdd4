"""The state of a stage on disk, written whole or not at all."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from augment.errors import UsageError
from augment.files import replacing

PARTS = ('module', 'average', 'optimizer')
PLAIN = ('step', 'seconds', 'done', 'curve', 'recent')


@dataclass
class State:
    """What changes while a stage trains. ``seconds`` were spent in steps; ``curve`` is (step, mean loss).

    A stage that is ``done`` stays as it is: what comes after it was trained on what it gave.
    """

    module: nn.Module
    average: AveragedModel
    optimizer: Optimizer
    step: int = 0
    seconds: float = 0.0
    done: bool = False
    curve: list[tuple[int, float]] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)

    def note(self, loss: float, mean_of: int) -> None:
        """Add the loss of the last step; every ``mean_of`` steps their mean becomes a point of the curve."""
        self.recent.append(loss)
        if self.step % mean_of == 0:
            self.curve.append((self.step, math.fsum(self.recent) / len(self.recent)))
            self.recent.clear()

    def save(self, path: Path) -> None:
        """Write everything to ``path``."""
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        with replacing(path) as partial:
            torch.save({**parts, **{name: getattr(self, name) for name in PLAIN}}, partial)

    def load(self, path: Path) -> None:
        """Go on where ``path`` was written. Raises UsageError for a file that does not fit."""
        saved = _read(path)
        try:
            for name in PARTS:
                getattr(self, name).load_state_dict(saved[name])
            for name in PLAIN:
                setattr(self, name, saved[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise UsageError(f'{path}: of another network than this one; remove it to begin anew') from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # torch raises whatever the damage leads to
        raise UsageError(f'{path}: no checkpoint that can be read; remove it to begin anew') from error


def averaged(module: nn.Module, decay: float) -> AveragedModel:
    """A moving average of the weights of ``module``: of the last few at first, of 1 / (1 - ``decay``) later on."""

    def blend(averages: list[Tensor], weights: list[Tensor], number: Tensor) -> None:
        number = int(number)
        share = 1 - min(decay, (1 + number) / (10 + number))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, share)

    return AveragedModel(module, multi_avg_fn=blend)

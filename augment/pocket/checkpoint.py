"""The state of a stage on disk, written whole or not at all."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from augment.errors import UsageError
from augment.files import replacing


@dataclass
class State:
    """What changes while a stage trains. ``seconds`` were spent in steps; ``curve`` is (step, mean loss)."""

    module: nn.Module
    average: AveragedModel
    optimizer: Optimizer
    step: int = 0
    seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write everything to ``path``."""
        parts = {name: getattr(self, name).state_dict() for name in ('module', 'average', 'optimizer')}
        with replacing(path) as partial:
            torch.save({**parts, 'step': self.step, 'seconds': self.seconds, 'curve': self.curve}, partial)

    def load(self, path: Path) -> None:
        """Go on where ``path`` was written. Raises UsageError for a file that does not fit."""
        saved = _read(path)
        try:
            for name in ('module', 'average', 'optimizer'):
                getattr(self, name).load_state_dict(saved[name])
            self.step, self.seconds = saved['step'], saved['seconds']
            self.curve = [(step, loss) for step, loss in saved['curve']]
        except (KeyError, RuntimeError, ValueError) as error:
            raise UsageError(f'{path}: of another network than this one; remove it to begin anew') from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # torch raises whatever the damage leads to
        raise UsageError(f'{path}: no checkpoint that can be read; remove it to begin anew') from error


def averaged(module: nn.Module, decay: float) -> AveragedModel:
    """A moving average of the weights of ``module``: of the last few at first, of 1 / (1 - ``decay``) later on."""

    def blend(average: torch.Tensor, weight: torch.Tensor, number: torch.Tensor | int) -> torch.Tensor:
        keep = min(decay, (1 + int(number)) / (10 + int(number)))
        return torch.lerp(weight, average, keep)

    return AveragedModel(module, avg_fn=blend)

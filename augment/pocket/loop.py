"""Train one stage: steps until their number or the time is up, resumable at any of them.

Every step draws from a generator of its own, seeded by the stage's seed and the step's number: a stage that was
stopped and went on ends with the bits of one that ran through, as long as no time limit shortens it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from augment.errors import NonFiniteError
from augment.files import write_text
from augment.job.stopping import Stopper
from augment.pocket.checkpoint import State, averaged
from augment.pocket.progress import Screen
from augment.pocket.settings import StageSettings

SAVE_EVERY = 60  # seconds
MEAN_OF = 20  # steps of a point of the curve
LONGEST = 1.0  # norm of the gradient, above which it is shortened

Loss = Callable[[torch.Generator], Tensor]
"""The loss of one batch, drawn with the generator (on the CPU, so that a GPU sees the same numbers)."""


@dataclass
class Stage:
    """One network and how it is trained.

    ``seconds`` is the time there is for it; None: whatever its steps take. ``folder`` receives ``<name>.pt`` to go
    on from, and ``<name>.csv``, the curve of the loss.
    """

    name: str
    module: nn.Module
    loss: Loss
    settings: StageSettings
    folder: Path
    seed: int = 0
    ema: float = 0.999
    seconds: float | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True))

    @property
    def checkpoint(self) -> Path:
        """The file to go on from."""
        return self.folder / f'{self.name}.pt'

    def share(self, state: State) -> float:
        """How much of the stage is done, 0..1."""
        by_time = state.seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(state.step / self.settings.steps, by_time))


def train(stage: Stage) -> State:
    """Train until the end, from the checkpoint where there is one; the averaged weights are in ``average``.

    What was trained to its end before is not trained any further, whatever time there is now.

    Ctrl-C writes a checkpoint first, then raises KeyboardInterrupt. Raises NonFiniteError when the loss is NaN or
    infinite, with the checkpoint before that on disk.
    """
    state = State(stage.module, averaged(stage.module, stage.ema), _optimizer(stage))
    if stage.checkpoint.is_file():
        state.load(stage.checkpoint)
    if state.done:
        stage.module.eval()
        return state
    with Screen(stage.name, stage.console) as screen, Stopper() as stopper:
        try:
            _steps(stage, state, screen, stopper)
        except KeyboardInterrupt:
            save(stage, state)
            told = f'{stage.name}: stopped after step {state.step}; the same command goes on'
            raise KeyboardInterrupt(told) from None
    return state


def _steps(stage: Stage, state: State, screen: Screen, stopper: Stopper) -> None:
    stage.module.train()
    saved = time.monotonic()
    while (share := stage.share(state)) < 1:
        with stopper.writing():  # a step is whole or not done
            loss = _step(stage, state, share)
            state.note(loss, MEAN_OF)
        if time.monotonic() - saved > SAVE_EVERY:
            save(stage, state)
            saved = time.monotonic()
        screen.show(state.step, stage.share(state), state.seconds, state.curve[-1][1] if state.curve else loss)
    stage.module.eval()
    state.done = True
    save(stage, state)


def _step(stage: Stage, state: State, share: float) -> float:
    """One step; the loss."""
    began = time.monotonic()
    rate = learning_rate(stage.settings, state.step, share)
    for group in state.optimizer.param_groups:
        group['lr'] = rate
    loss = stage.loss(step_generator(stage.seed, state.step))
    if not torch.isfinite(loss):
        raise NonFiniteError(f'{stage.name}: the loss is {loss.item()} at step {state.step}; lower the rate')
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(stage.module.parameters(), LONGEST)
    state.optimizer.step()
    state.average.update_parameters(stage.module)
    state.step += 1
    state.seconds += time.monotonic() - began
    return loss.item()


def learning_rate(settings: StageSettings, step: int, share: float) -> float:
    """Linear up to ``settings.rate`` in the first ``warmup`` steps, times a cosine from 1 to 0 over the stage."""
    return settings.rate * min(1.0, (step + 1) / settings.warmup) * (1 + math.cos(math.pi * share)) / 2


def step_generator(seed: int, step: int) -> torch.Generator:
    """The random numbers of one step. Torch's generator on the CPU reads 32 bits of a seed: both are mixed."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1).item()
    return torch.Generator().manual_seed(mixed)


def save(stage: Stage, state: State) -> None:
    """Write checkpoint and curve."""
    stage.folder.mkdir(parents=True, exist_ok=True)
    state.save(stage.checkpoint)
    rows = [f'{step},{loss:.6g}\n' for step, loss in state.curve]
    write_text(stage.folder / f'{stage.name}.csv', ''.join(['step,loss\n', *rows]))


def _optimizer(stage: Stage) -> torch.optim.AdamW:
    return torch.optim.AdamW(stage.module.parameters(), stage.settings.rate, betas=(0.9, 0.99), weight_decay=0.01)

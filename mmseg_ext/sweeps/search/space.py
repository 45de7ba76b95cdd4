"""What a search may change: parameters, each one or several config keys or a swap, and the values they may take.

    parameters:
      swap.losses: {choice: [dice_ce, focal_any]}              # exchanges a base, as --swap losses=…
      optim_wrapper.optimizer.lr: {log: [1e-4, 3e-2]}          # evenly over the powers of ten
      train_dataloader.batch_size: {choice: [4, 8]}
      gamma:                                                   # a name of its own, with the keys it sets
        uniform: [0.5, 5]
        keys: [model.decode_head.loss_decode.gamma, model.auxiliary_head.*.loss_decode.gamma]
        when: {swap.losses: focal_any}                         # else there is no gamma

``uniform``, ``log`` and ``int`` take [lowest, highest], both included; ``step`` makes ``uniform`` and ``int``
coarser. ``choice`` takes a list of values, which may be lists themselves. ``*`` in a key stands for every entry
there, none included. ``when`` names choices further up, each with the value or the list of values that it needs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SWAP = 'swap.'  # begins the name of a parameter that exchanges a base
RANGES = ('uniform', 'log', 'int')
KINDS = (*RANGES, 'choice')


@dataclass(frozen=True)
class Parameter:
    """One thing that varies: ``values`` are lowest and highest of a range, or all that ``choice`` may take.

    ``keys`` are those of the config, empty for a swap; ``when`` says of which other parameters it depends.
    """

    name: str
    kind: str
    values: tuple[Any, ...]
    keys: tuple[str, ...] = ()
    step: float | None = None
    when: dict[str, tuple[Any, ...]] = field(default_factory=dict, hash=False)

    @property
    def folder(self) -> str | None:
        """The folder of bases that it swaps; None for one that sets keys."""
        return self.name.removeprefix(SWAP) if self.name.startswith(SWAP) else None

    def active(self, values: dict[str, Any]) -> bool:
        """Whether it plays a part beside the ``values`` of the parameters before it."""
        return all(name in values and values[name] in wanted for name, wanted in self.when.items())

    def holds(self, value: Any) -> bool:
        """Whether it may take this value."""
        if self.kind == 'choice':
            return value in self.values
        number = (int,) if self.kind == 'int' else (int, float)
        if not isinstance(value, number) or isinstance(value, bool):
            return False
        low, high = self.values
        return low <= value <= high and (self.step is None or math.isclose((value - low) % self.step, 0))

    def label(self, value: Any) -> Any:
        """How a study keeps the value: a number, or the text of a choice, which may be a list."""
        return str(value) if self.kind == 'choice' else value

    def suggest(self, trial: Any) -> Any:
        """The value that an Optuna trial gives it."""
        if self.kind == 'choice':
            labels = {self.label(value): value for value in self.values}
            return labels[trial.suggest_categorical(self.name, list(labels))]
        if self.kind == 'int':
            return trial.suggest_int(self.name, *self.values, step=int(self.step or 1))
        return trial.suggest_float(self.name, *self.values, step=self.step, log=self.kind == 'log')


@dataclass(frozen=True)
class Space:
    """The parameters of a search in the order of its file; ``content`` is what the file says of them."""

    name: str
    parameters: tuple[Parameter, ...]
    content: dict[str, Any] = field(hash=False)

    def draw(self, pick: Callable[[Parameter], Any]) -> dict[str, Any]:
        """Values by name of the parameters that play a part; ``pick`` gives the value of one."""
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.active(values):
                values[parameter.name] = pick(parameter)
        return values

    def suggest(self, trial: Any) -> dict[str, Any]:
        """The values that an Optuna trial gives."""
        return self.draw(lambda parameter: parameter.suggest(trial))

    def __getitem__(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

"""What an inversion gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from augment.sdxl.conditioning import Conditioning


@dataclass(frozen=True)
class StepLog:
    """How the null embeddings of one step were found.

    ``start`` and ``best`` are mean squared differences between the latent after the step and the recorded one,
    before the search and with what was kept; ``iterations`` counts steps of the optimiser.
    """

    start: float
    best: float
    iterations: int


@dataclass
class Inversion:
    """One photograph as noise, the path to it, and what leads back.

    ``pivots`` (T + 1, 4, h, w) fp32: the latent of the photograph first, the noise last. ``cond``: the source
    prompt, 1 row. ``null``: what guidance pushes away from, T rows, the noisiest step first, or 1 row for all.
    ``reconstruction`` (4, h, w): where the guided steps end without being held on the path, None where the method
    does not learn it on its way. ``losses``: one log a step, empty where nothing is optimised. ``stalled``: step 0
    had to be optimised and its loss fell by less than a fifth, a sign that precision is too low.
    """

    pivots: Tensor
    cond: Conditioning
    null: Conditioning
    method: str
    reconstruction: Tensor | None = None
    losses: list[StepLog] = field(default_factory=list)
    stalled: bool = False

    @property
    def steps(self) -> int:
        """Number T of DDIM steps."""
        return len(self.pivots) - 1

    @property
    def noise(self) -> Tensor:
        """The latent (4, h, w) that sampling begins with."""
        return self.pivots[-1]

    def target(self, i: int) -> Tensor:
        """The recorded latent (4, h, w) at which step ``i`` should end."""
        return self.pivots[self.steps - 1 - i]

    def null_at(self, i: int) -> Conditioning:
        """The null embeddings of step ``i``, 1 row."""
        return self.null if len(self.null) == 1 else self.null[i]

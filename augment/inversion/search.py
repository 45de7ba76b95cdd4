"""The search for the null embeddings of one step of one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from augment.config.settings import InversionSettings
from augment.inversion.result import StepLog
from augment.sdxl.conditioning import Conditioning

# A loss that fell by less than this share has not fallen: another evaluation costs more than it would give.
SMALLEST_FALL = 0.01
# Bounds on how much a step may be shortened or lengthened at once; the second bounds it altogether.
SHORTEST, LONGEST = 0.1, 2.0


@dataclass(frozen=True)
class Candidate:
    """Null embeddings (1 row), the latent (4, h, w) to which they lead, and its loss."""

    loss: float
    null: Conditioning
    latent: Tensor


class Search:
    """Adam with steps as long as they should be.

    Adam's first steps have the same length in every coordinate however small the loss is: near the source prompt
    they go too far, later not far enough. So a parabola is laid through the loss and the slope where a step begins
    and the loss where it ends: the next step is scaled by where the minimum is (up to twice the learning rate),
    and a step that raised the loss is not followed but tried again, shortened to there. Without ``keep_best``
    it is Adam alone, and the last trial is the result.

    Args:
        start: The first trial, 1 row.
        known: Embeddings of which the loss is known beforehand.
        rate: Adam's learning rate.
        enough: A loss below which the search ends.
        settings: Number of steps, patience, what to optimise.
    """

    def __init__(
        self, start: Conditioning, known: Candidate | None, rate: float, enough: float, settings: InversionSettings
    ) -> None:
        self.known, self.rate, self.enough, self.settings = known, rate, enough, settings
        pooled = settings.null_targets == 'both'
        self.trial = Conditioning(
            start.seq.detach().clone().requires_grad_(), start.pooled.detach().clone().requires_grad_(pooled)
        )
        self.parameters = [tensor for tensor in (self.trial.seq, self.trial.pooled) if tensor.requires_grad]
        self.adam = torch.optim.Adam(self.parameters, lr=rate)
        self.best, self.last, self.slope = None, None, 0.0
        self.iterations = self.misses = 0
        self.start = known.loss if known else None
        self.done = settings.keep_best and known is not None and known.loss < enough

    @property
    def result(self) -> Candidate:
        """What to keep: the best that was seen, or without ``keep_best`` the last."""
        if not self.settings.keep_best:
            return self.last
        return min((seen for seen in (self.known, self.best) if seen), key=lambda seen: seen.loss)

    @property
    def log(self) -> StepLog:
        """How it went."""
        return StepLog(self.start, self.result.loss, self.iterations)

    def judge(self, loss: float, latent: Tensor) -> bool:
        """Take note of what the trial led to; whether ``step`` is to follow, with the gradient there."""
        before, self.last = self.best, Candidate(loss, _copy(self.trial), latent)
        self.start = loss if self.start is None else self.start
        descends = before is None or loss < before.loss or not self.settings.keep_best
        self.best = self.last if descends else before
        self.misses = 0 if before is None or loss < (1 - SMALLEST_FALL) * before.loss else self.misses + 1
        if self._finished():
            self.done = True
        elif before and self.settings.keep_best:
            self._rescale(self._share(before.loss, loss), retry=not descends)
        return descends and not self.done

    def step(self) -> None:
        """The next trial: a step of Adam along the gradients of ``parameters``."""
        before = [parameter.detach().clone() for parameter in self.parameters]
        self.adam.step()
        moves = zip(self.parameters, before, strict=True)
        self.slope = sum(((after.detach() - old) * after.grad).sum().item() for after, old in moves)
        self.adam.zero_grad()
        self.iterations += 1

    def _finished(self) -> bool:
        spent = self.iterations >= self.settings.inner_steps
        return spent or self.best.loss < self.enough or self.misses >= self.settings.patience

    def _share(self, begin: float, end: float) -> float:
        """Where the minimum of the parabola lies, as a share of the last step, within bounds."""
        if self.slope >= 0:
            return SHORTEST
        curvature = end - begin - self.slope
        share = -self.slope / (2 * curvature) if curvature > 0 else LONGEST
        return min(max(share, SHORTEST), LONGEST)

    @torch.no_grad()
    def _rescale(self, share: float, retry: bool) -> None:
        """Make later steps ``share`` times as long, and to ``retry`` the last step too."""
        group = self.adam.param_groups[0]
        group['lr'] = min(group['lr'] * share, LONGEST * self.rate)
        if retry:
            for trial, best in ((self.trial.seq, self.best.null.seq), (self.trial.pooled, self.best.null.pooled)):
                trial.copy_(best + share * (trial - best))
            self.slope *= share
            self.iterations += 1


def _copy(cond: Conditioning) -> Conditioning:
    return Conditioning(cond.seq.detach().clone(), cond.pooled.detach().clone())

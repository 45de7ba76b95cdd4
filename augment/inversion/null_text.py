"""Null-text optimisation, Mokady et al. 2023 (https://arxiv.org/abs/2211.09794), for both embeddings of SDXL.

What guidance pushes away from is fitted, step by step, until the guided step lands on the recorded path. Against
the paper: the search may begin at the source prompt, where the guided noise is the conditional one whatever the
scale, so that its loss costs nothing; the best embeddings seen are kept, with the latent they led to; steps of the
optimiser are as long as they should be (``search.py``); and the search ends when it no longer pays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from augment.inversion.result import Inversion, StepLog
from augment.inversion.search import Candidate, Search
from augment.sdxl.conditioning import Conditioning, zeros_like

if TYPE_CHECKING:
    from torch import Tensor

    from augment.config.settings import EditSettings, InversionSettings
    from augment.inversion.ddim import Progress
    from augment.sdxl.denoiser import Denoiser

# A search at step 0 that gains less than this share of the loss has stalled.
STALLED = 0.2


def null_text(
    denoiser: Denoiser,
    path: Tensor,
    cond: Conditioning,
    empty: Conditioning,
    settings: EditSettings,
    progress: Progress | None = None,
) -> list[Inversion]:
    """Null embeddings for every step and image, from the recorded ``path`` (T + 1, B, 4, h, w) and its prompts.

    The images share calls of the model and nothing else: each has its own optimiser and leaves the batch when it
    is done.
    """
    steps, size = len(denoiser.grid), len(cond)
    nulls = [_initial(cond[image], empty, settings.inversion) for image in range(size)]
    kept, logs, z = [[] for _ in range(size)], [[] for _ in range(size)], path[-1]
    for i in range(steps):
        step = _Step(denoiser, i, z, path[steps - 1 - i], cond, settings)
        found = step.optimise(nulls)
        for image, (best, log) in enumerate(found):
            nulls[image] = best.null
            kept[image].append(best.null)
            logs[image].append(log)
        z = torch.stack([best.latent for best, _ in found])
        if progress:
            progress('optimise', i + 1, steps)
    return [
        Inversion(
            pivots=path[:, image].contiguous(),
            cond=cond[image],
            null=Conditioning.cat(kept[image]),
            method='null-text',
            reconstruction=z[image],
            losses=logs[image],
            stalled=_stalled(logs[image][0]),
        )
        for image in range(size)
    ]


def _initial(cond: Conditioning, empty: Conditioning, settings: InversionSettings) -> Conditioning:
    """Where the search of the first step begins, 1 row."""
    return {'source': cond, 'empty': empty, 'zeros': zeros_like(empty)}[settings.null_init]


def _stalled(log: StepLog) -> bool:
    return log.iterations > 0 and log.best > (1 - STALLED) * log.start


class _Step:
    """Step ``i`` of all images: from latents ``z`` to ``target``, both (B, 4, h, w)."""

    def __init__(
        self, denoiser: Denoiser, i: int, z: Tensor, target: Tensor, cond: Conditioning, settings: EditSettings
    ) -> None:
        self.denoiser, self.i, self.z, self.target, self.cond = denoiser, i, z, target, cond
        self.settings, self.scale = settings.inversion, settings.guidance
        with torch.no_grad():
            self.eps_c = denoiser(z, i, cond)

    def optimise(self, starts: list[Conditioning]) -> list[tuple[Candidate, StepLog]]:
        """The null embeddings to keep of each image, beginning at ``starts`` (1 row each), and how it went."""
        known = self._source_prompts() if self.settings.null_init == 'source' else [None] * len(starts)
        rate = self.settings.learning_rate * (1 - self.i / (2 * len(self.denoiser.grid)))
        enough = self.settings.epsilon + self.i * self.settings.epsilon_slope
        searches = [
            Search(start, candidate, rate, enough, self.settings)
            for start, candidate in zip(starts, known, strict=True)
        ]
        while rows := [row for row, search in enumerate(searches) if not search.done]:
            self._evaluate(rows, [searches[row] for row in rows])
        return [(search.result, search.log) for search in searches]

    def _source_prompts(self) -> list[Candidate]:
        """The source prompts as null embeddings: guidance cancels, so nothing has to be evaluated."""
        latents = self.denoiser.grid.down(self.z, self.eps_c, self.i)
        losses = _losses(latents, self.target).tolist()
        return [Candidate(loss, self.cond[row], latents[row]) for row, loss in enumerate(losses)]

    @torch.enable_grad()
    def _evaluate(self, rows: list[int], searches: list[Search]) -> None:
        """One evaluation of the model for the images in ``rows``, and a gradient where their searches go on."""
        eps_u = self.denoiser(self.z[rows], self.i, Conditioning.cat([search.trial for search in searches]))
        guided = eps_u + self.scale * (self.eps_c[rows] - eps_u)
        latents = self.denoiser.grid.down(self.z[rows], guided, self.i)
        losses = _losses(latents, self.target[rows])
        wanted = [
            search.judge(loss, latent)
            for search, loss, latent in zip(searches, losses.tolist(), latents.detach(), strict=True)
        ]
        if any(wanted):
            following = [search for search, want in zip(searches, wanted, strict=True) if want]
            parameters = [parameter for search in following for parameter in search.parameters]
            losses[torch.tensor(wanted, device=losses.device)].sum().backward(inputs=parameters)
            for search in following:
                search.step()


def _losses(latents: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of each row, (N,)."""
    return (latents - target).square().flatten(1).mean(1)

"""From noise back to photographs, the sources and their targets side by side, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from augment.attention.control import EditControl, Rows
from augment.attention.install import installed
from augment.config.settings import BlendSettings, EditSettings
from augment.inversion.proximal import guide
from augment.sdxl.conditioning import Conditioning

if TYPE_CHECKING:
    from augment.inversion.result import Inversion
    from augment.sdxl.denoiser import Denoiser

Progress = Callable[[str, int, int], None]


def first_blended(blend: BlendSettings, steps: int) -> int:
    """The first step after which latents are bounded: 10 of 50 for 0.2; rounded down, 0.29 of 100 being 29."""
    return int(blend.start * steps + 1e-9)


class Sampling:
    """The guided DDIM path of B photographs and of n targets of each.

    A call of the UNet has the rows ``[sources | targets]`` without a condition, then ``[sources | targets]`` with
    theirs, targets image by image. Sources that are pinned need no guided noise: their rows without a condition
    are never computed, those with one only while a layer of the targets reads them. When ``run`` is done,
    ``sources`` (B, 4, h, w) and ``edited`` (B * n, 4, h, w) are latents of images, fp32.

    Args:
        denoiser: Of the photographs' size.
        settings: What is edited how.
        inversions: B.
        targets: B * n rows, image by image.
        control: Prompt-to-prompt of these B x n edits.
        regions: Where latents may change, (B, 1, h, w) bool; None: not bounded by the label.
        split: Rows with and without a condition in separate calls.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        settings: EditSettings,
        inversions: Sequence[Inversion],
        targets: Conditioning,
        control: EditControl,
        regions: Tensor | None = None,
        split: bool = False,
    ) -> None:
        self.denoiser, self.grid, self.settings = denoiser, denoiser.grid, settings
        self.control, self.split, device = control, split, denoiser.device
        self.n = len(targets) // len(inversions)
        self.paths = torch.stack([inversion.pivots for inversion in inversions], dim=1).flip(0).to(device)
        self.nulls = [inversion.null.to(device) for inversion in inversions]
        self.source_conds = Conditioning.cat(inversion.cond for inversion in inversions).to(device)
        self.target_conds = targets.to(device)
        self.regions = None if regions is None else regions.to(device)
        self.pinned = settings.inversion.pinned
        self.blend_from = first_blended(settings.blend, len(self.grid))
        self.sources = self.paths[0]
        self.edited = self.sources.repeat_interleave(self.n, dim=0)

    @torch.no_grad()
    def run(self, progress: Progress | None = None) -> None:
        """All steps."""
        steps = len(self.grid)
        for controlled, group in groupby(range(steps), key=self._controlled):
            with installed(self.denoiser.unet, self.settings.rli, self.control if controlled else None):
                for i in group:
                    self._step(i)
                    if progress:
                        progress('edit', i + 1, steps)

    def _controlled(self, i: int) -> bool:
        """Whether at step ``i`` the attention layers do anything for the edit."""
        control = self.control
        reweights = control.settings.equalizer_window == 'all'
        return control.needs_source(i) or control.word_maps is not None or reweights

    def _step(self, i: int) -> None:
        sources, edited = self._guided(i)
        self.edited = self.grid.down(self.edited, edited, i)
        self.sources = self.paths[i + 1] if self.pinned else self.grid.down(self.sources, sources, i)
        self._blend(i)

    def _guided(self, i: int) -> tuple[Tensor | None, Tensor]:
        """Guided noise of the sources, None where they are pinned, and of the targets."""
        reads = not self.pinned or self.control.needs_source(i)
        images, count = len(self.sources), len(self.edited)
        nulls = [null if len(null) == 1 else null[i] for null in self.nulls]
        free = self._rows(nulls if not self.pinned else [], [null.repeat(self.n) for null in nulls])
        bound = self._rows([self.source_conds] if reads else [], [self._target_conds(i)])
        eps_u, eps_c = self._predicted(i, free, bound, images if reads else 0)
        scale, inversion = self.settings.guidance, self.settings.inversion
        edited = guide(eps_u[-count:], eps_c[-count:], scale, inversion)
        return None if self.pinned else guide(eps_u[:images], eps_c[:images], scale, inversion), edited

    def _rows(self, sources: list[Conditioning], targets: list[Conditioning]) -> tuple[Tensor, Conditioning]:
        """Latents and conditions of the sources, if there are any of the latter, and of the targets."""
        z = torch.cat([self.sources, self.edited]) if sources else self.edited
        return z, Conditioning.cat([*sources, *targets])

    def _target_conds(self, i: int) -> Conditioning:
        """Conditions of the targets; the pooled one can be the source's for as long as cross-attention is."""
        if self.settings.control.pooled == 'target' or i >= self.control.cross_steps:
            return self.target_conds
        return Conditioning(self.target_conds.seq, self.source_conds.pooled.repeat_interleave(self.n, dim=0))

    def _predicted(
        self, i: int, free: tuple[Tensor, Conditioning], bound: tuple[Tensor, Conditioning], sources: int
    ) -> tuple[Tensor, Tensor]:
        """Noise without and with conditions, in one call or in two; ``sources`` of the latter rows come first."""
        self.control.step = i
        if self.split:
            self.control.rows = None
            eps_u = self.denoiser(free[0], i, free[1])
            self.control.rows = self._places(0, sources)
            return eps_u, self.denoiser(bound[0], i, bound[1])
        self.control.rows = self._places(len(free[0]), sources)
        eps = self.denoiser(torch.cat([free[0], bound[0]]), i, Conditioning.cat([free[1], bound[1]]))
        return eps[: len(free[0])], eps[len(free[0]) :]

    def _places(self, first: int, sources: int) -> Rows:
        """Where the conditional rows are that begin at ``first`` with so many sources."""
        targets = torch.arange(len(self.edited)).view(-1, self.n) + first + sources
        return Rows([*range(first, first + sources)] or [None] * len(targets), targets.tolist())

    def _blend(self, i: int) -> None:
        """Put the sources' latents wherever the edit may not change them."""
        allowed = self.allowed() if i >= self.blend_from else None
        if allowed is not None:
            sources = self.sources.repeat_interleave(self.n, dim=0)
            self.edited = torch.where(allowed.flatten(0, 1)[:, None], self.edited, sources)

    def allowed(self) -> Tensor | None:
        """Where latents may change by now, (B, n, h, w) bool; None: everywhere."""
        attended = self.attended()
        if self.regions is None or attended is None:
            return attended if self.regions is None else self.regions.expand(-1, self.n, -1, -1)
        return self.regions | attended

    def attended(self) -> Tensor | None:
        """Where the model attends to the words so far, (B, n, h, w) bool; None: not asked for."""
        maps = self.control.word_maps
        return None if maps is None else maps.mask(self.settings.blend.threshold).to(self.edited.device)

"""DDIM backwards: from the latent of a photograph up to noise, Song et al. 2021 (https://arxiv.org/abs/2010.02502)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from augment.sdxl.conditioning import Conditioning
    from augment.sdxl.denoiser import Denoiser

Progress = Callable[[str, int, int], None]


@torch.no_grad()
def pivots(
    denoiser: Denoiser, z0: Tensor, cond: Conditioning, fixed_point: int = 0, progress: Progress | None = None
) -> Tensor:
    """The path (T + 1, B, 4, h, w) fp32 from ``z0`` (B, 4, h, w) to noise under the prompts ``cond`` (B rows).

    The step up to level t_i asks the model at t_i, as the step down from there will; only the latent differs,
    which is the one below. ``fixed_point`` further evaluations make the two agree.
    """
    steps = len(denoiser.grid)
    path = [z0.float()]
    for done, i in enumerate(reversed(range(steps)), start=1):
        path.append(_step_up(denoiser, path[-1], i, cond, fixed_point))
        if progress:
            progress('invert', done, steps)
    return torch.stack(path)


def _step_up(denoiser: Denoiser, below: Tensor, i: int, cond: Conditioning, evaluations: int) -> Tensor:
    """The latents at level t_i from those ``below`` (B, 4, h, w), refined by fixed-point iteration.

    What an iterate misses is seen when the model is asked there: how far its successor lies from it. Where that
    grows, the image goes back to the iterate that missed least and is done (Pan et al. 2023,
    https://arxiv.org/abs/2309.04907, without the acceleration).
    """
    latest = denoiser.grid.up(below, denoiser(below, i, cond), i)
    best, smallest = latest.clone(), torch.full((len(below),), torch.inf, device=below.device)
    rows = list(range(len(below)))
    for _ in range(evaluations):
        successor = denoiser.grid.up(below[rows], denoiser(latest[rows], i, cond[rows]), i)
        missed = (successor - latest[rows]).square().flatten(1).mean(1)
        fell = (missed < smallest[rows]).tolist()
        for row, image in enumerate(rows):
            if fell[row]:
                best[image], smallest[image], latest[image] = latest[image], missed[row], successor[row]
            else:
                latest[image] = best[image]
        rows = [image for image, better in zip(rows, fell, strict=True) if better]
        if not rows:
            break
    return latest

"""From the latents of an edit to images, with what can be said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from augment.editing.results import EditResult
from augment.editing.targets import Target
from augment.sdxl.latents import decode_latents

if TYPE_CHECKING:
    from augment.editing.sampling import Sampling
    from augment.inversion.result import Inversion
    from augment.sdxl.upstream import StableDiffusionXLPipeline


def drawn(
    pipe: StableDiffusionXLPipeline,
    sampling: Sampling,
    inversions: Sequence[Inversion],
    targets: Sequence[Target],
) -> list[list[EditResult]]:
    """Results [image][target] of a sampling that has run."""
    attended = sampling.attended()
    return [
        _of_one_image(pipe, sampling, image, inversion, targets, None if attended is None else attended[image])
        for image, inversion in enumerate(inversions)
    ]


def _of_one_image(
    pipe: StableDiffusionXLPipeline,
    sampling: Sampling,
    image: int,
    inversion: Inversion,
    targets: Sequence[Target],
    attended: Tensor | None,
) -> list[EditResult]:
    source, edited = sampling.sources[image], sampling.edited[image * sampling.n :][: sampling.n]
    known = inversion.reconstruction is not None
    source_image = decode_latents(pipe, (inversion.reconstruction if known else source)[None])[0]
    images, allowed = decode_latents(pipe, edited), sampling.allowed()
    return [
        EditResult(
            image=images[k],
            mask=None if attended is None else _pixels(attended[k], pipe.vae_scale_factor),
            latent=edited[k].cpu(),
            source_latent=source.cpu(),
            source_image=source_image,
            target=target,
            stats={
                'reconstruction': 'inversion' if known else 'source row',
                'latent_change': (edited[k] - source).abs().mean().item(),
                **_shares(
                    None if allowed is None else allowed[image, k], None if attended is None else attended[k]
                ),
            },
        )
        for k, target in enumerate(targets)
    ]


def _shares(allowed: Tensor | None, attended: Tensor | None) -> dict[str, Any]:
    """Shares of the latents that may change and that the words are attended to, noted where that is odd."""
    stats = {
        'allowed_share': 1.0 if allowed is None else allowed.float().mean().item(),
        'attended_share': None if attended is None else attended.float().mean().item(),
        'notes': [],
    }
    if stats['allowed_share'] == 0:
        stats['notes'].append('nothing may change: the region is empty')
    if stats['attended_share'] == 1:
        stats['notes'].append('the words are attended to everywhere: blending by attention bounds nothing')
    return stats


def _pixels(mask: Tensor, factor: int) -> np.ndarray:
    return mask.cpu().numpy().repeat(factor, axis=0).repeat(factor, axis=1)

"""The ways to invert a photograph, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from augment.inversion.ddim import Progress, pivots
from augment.inversion.null_text import null_text
from augment.inversion.result import Inversion

if TYPE_CHECKING:
    from torch import Tensor

    from augment.config.settings import EditSettings
    from augment.sdxl.conditioning import Conditioning
    from augment.sdxl.denoiser import Denoiser

    Method = Callable[
        [Denoiser, Tensor, Conditioning, Conditioning, EditSettings, Progress | None], list[Inversion]
    ]


def invert(
    denoiser: Denoiser,
    z0: Tensor,
    cond: Conditioning,
    empty: Conditioning,
    settings: EditSettings,
    progress: Progress | None = None,
) -> list[Inversion]:
    """Invert the latents ``z0`` (B, 4, h, w) of photographs under their prompts ``cond`` (B rows).

    ``empty`` is the empty prompt, 1 row. Photographs share calls of the model and do not influence one another
    beyond rounding. ``progress(stage, done, total)`` is called after each step of the stages 'invert' and, for
    null-text, 'optimise'. Residual linear interpolation is in the model already, or it is not.
    """
    z0, cond, empty = z0.to(denoiser.device), cond.to(denoiser.device), empty.to(denoiser.device)
    path = pivots(denoiser, z0, cond, settings.inversion.fixed_point, progress)
    return METHODS[settings.inversion.method](denoiser, path, cond, empty, settings, progress)


def _negative_prompt(
    denoiser: Denoiser,
    path: Tensor,
    cond: Conditioning,
    empty: Conditioning,
    settings: EditSettings,
    progress: Progress | None,
) -> list[Inversion]:
    """The source prompt as null embeddings, Miyake et al. 2023 (https://arxiv.org/abs/2305.16807).

    With the source prompt the guided noise is then the conditional one for every scale: the way back is that of
    plain DDIM. ``prox-npi`` adds the threshold of ``proximal.guide`` when editing.
    """
    return _with_null(path, cond, cond, settings)


def _empty_prompt(
    denoiser: Denoiser,
    path: Tensor,
    cond: Conditioning,
    empty: Conditioning,
    settings: EditSettings,
    progress: Progress | None,
) -> list[Inversion]:
    """The empty prompt as null embeddings: plain DDIM inversion, and, with the source held on its path, direct
    inversion, Ju et al. 2024 (https://arxiv.org/abs/2310.01506)."""
    return _with_null(path, cond, empty.repeat(len(cond)), settings)


def _with_null(path: Tensor, cond: Conditioning, null: Conditioning, settings: EditSettings) -> list[Inversion]:
    return [
        Inversion(path[:, image].contiguous(), cond[image], null[image], settings.inversion.method)
        for image in range(len(cond))
    ]


METHODS: dict[str, Method] = {
    'null-text': null_text,
    'npi': _negative_prompt,
    'prox-npi': _negative_prompt,
    'direct': _empty_prompt,
    'ddim': _empty_prompt,
}

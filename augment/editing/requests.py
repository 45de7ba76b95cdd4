"""Whether what an editor is asked for can be done at all, said before the model runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from augment.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from augment.inversion.result import Inversion


def check_images(images: Sequence[np.ndarray], factor: int) -> tuple[int, int]:
    """The one size (H, W) of ``images``, multiples of ``factor``.

    Raises UsageError for none at all, for other arrays than uint8 (H, W, 3), and for several sizes.
    """
    if not len(images):
        raise UsageError('images: there are none to invert')
    for image in images:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise UsageError(f'images: {image.dtype} {image.shape} is no 8-bit RGB image (H, W, 3)')
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        raise UsageError(f'images: of several sizes (height, width), {sorted(sizes)}: invert them size by size')
    height, width = sizes.pop()
    if height % factor or width % factor:
        raise UsageError(f'images: {height} x {width} is no multiple of {factor} pixels: pad or resize them')
    return height, width


def check_inversions(inversions: Sequence[Inversion], steps: int, factor: int) -> tuple[int, int]:
    """The one size (H, W) in pixels of the inverted images.

    Raises UsageError for several sizes, and for inversions that were not made in ``steps``.
    """
    sizes = {tuple(factor * side for side in inversion.pivots.shape[-2:]) for inversion in inversions}
    if len(sizes) > 1:
        raise UsageError(f'inversions: of several sizes (height, width), {sorted(sizes)}: edit them size by size')
    for inversion in inversions:
        if inversion.steps != steps:
            raise UsageError(
                f'inversions: made in {inversion.steps} steps, the settings say {steps}: invert again'
            )
    return sizes.pop()


def latent_regions(
    regions: Sequence[np.ndarray] | None, count: int, size: tuple[int, int], factor: int, blend_by: str
) -> Tensor | None:
    """``regions`` at the size of latents, (B, 1, h, w) bool: a cell may change when any of its pixels may.

    None where ``blend_by`` does not ask for them. Raises UsageError where it does and there are none, and for
    regions of another number or size than the ``count`` images of ``size``.
    """
    import torch

    if 'label' not in blend_by:
        return None
    if regions is None:
        raise UsageError(
            f"blend.by is {blend_by!r}, but no regions are given: pass them, or set it to 'attention' or 'none'"
        )
    if len(regions) != count:
        raise UsageError(f'regions: {len(regions)} for {count} images')
    for region in regions:
        if region.dtype != bool or region.shape != tuple(size):
            raise UsageError(
                f'regions: {region.dtype} {region.shape} is not bool {tuple(size)}, as the images are'
            )
    pixels = torch.from_numpy(np.stack(regions))[:, None].float()
    return torch.nn.functional.max_pool2d(pixels, factor) > 0


def check_prompts(prompts: Sequence[str] | None, default: str, count: int) -> list[str]:
    """A source prompt for each of ``count`` images. Raises UsageError for another number of them."""
    if prompts is None:
        return [default] * count
    if isinstance(prompts, str) or len(prompts) != count:
        raise UsageError(f'prompts: {prompts!r} are not {count}, one an image')
    return list(prompts)

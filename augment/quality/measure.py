"""Every score of one edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from augment.quality.fingerprint import bits_between, bounds, fingerprint
from augment.quality.seam import seam_ratio
from augment.quality.similarity import mean_change, psnr, psnr_pie, ssim, ssim_pie
from augment.quality.survival import survival

if TYPE_CHECKING:
    from augment.editing.photo import EditedPhoto
    from augment.quality.perceptual import Perceptual

IDENTICAL = (
    200.0  # dB that stand for equal pixels: JSON has no infinity, and no two photographs reach it otherwise
)


def measure(
    before: np.ndarray,
    edited: EditedPhoto,
    label: np.ndarray | None,
    new_label: np.ndarray | None,
    others: Sequence[EditedPhoto] = (),
    perceptual: Perceptual | None = None,
) -> dict[str, float]:
    """Scores by name; NaN is one that is not defined here, or not available.

    ``recon_psnr``: the model's drawing of the unedited windows, dB. ``background_psnr``, ``background_ssim``:
    outside the region, and as PIE-Bench counts them (``…_pie``). ``psnr``, ``ssim``: the whole photograph, edited
    against original. ``change`` 0..1 in the region, ``area`` its share of the frame, ``seam`` and ``survival`` as
    in their modules. ``bits_source`` and ``bits_words``: of 64, between the fingerprints of the region here and in
    the original, or in the nearest of ``others``, the same photograph's other words. ``lpips`` and ``clip`` come
    from ``perceptual``. PSNR of equal pixels is ``IDENTICAL``.
    """
    after, region = edited.image, edited.region
    scores = {
        'recon_psnr': psnr(before, edited.reconstruction, _inside(edited.windows, region.shape)),
        **_background(before, after, ~region),
        'psnr': psnr(before, after),
        'ssim': ssim(before, after),
        'change': mean_change(before, after, region),
        'area': float(region.mean()),
        'seam': seam_ratio(before, after, region),
        'survival': float('nan') if label is None else survival(before, after, label, new_label),
        **_bits(before, edited, others),
        'lpips': perceptual.lpips(before, after) if perceptual else float('nan'),
        'clip': perceptual.clip(before, edited) if perceptual else float('nan'),
    }
    return {name: IDENTICAL if np.isinf(value) else float(value) for name, value in scores.items()}


def _background(before: np.ndarray, after: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    functions = dict(psnr=psnr, psnr_pie=psnr_pie, ssim=ssim, ssim_pie=ssim_pie)
    if not outside.any():
        return {f'background_{name}': float('nan') for name in functions}
    return {f'background_{name}': function(before, after, outside) for name, function in functions.items()}


def _bits(before: np.ndarray, edited: EditedPhoto, others: Sequence[EditedPhoto]) -> dict[str, float]:
    place = bounds(edited.region)
    own = fingerprint(edited.image[place])
    distances = [bits_between(own, fingerprint(other.image[place])) for other in others]
    return {
        'bits_source': bits_between(own, fingerprint(before[place])),
        'bits_words': min(distances, default=float('nan')),
    }


def _inside(windows: Sequence, shape: tuple[int, int]) -> np.ndarray:
    """Where the model drew: all pixels of the windows."""
    drawn = np.zeros(shape, bool)
    for window in windows:
        drawn[window.slices] = True
    return drawn

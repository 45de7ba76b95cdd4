"""How alike two photographs are: PSNR and SSIM, of a whole frame, of a part of it, and as PIE-Bench counts them.

Photographs are (H, W, 3) uint8, regions (H, W) bool. What nothing is left of to compare is NaN.
"""

import cv2
import numpy as np

from augment.errors import DataError

PEAK = 255.0
RADIUS, SIGMA = 5, 1.5  # the window of SSIM: 11 x 11, Gaussian
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


def psnr(a: np.ndarray, b: np.ndarray, region: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of ``region`` alone; infinite where all are equal."""
    _check(a, b, region)
    difference = a.astype(np.float64) - b
    return _decibel(np.square(difference if region is None else difference[region]))


def psnr_pie(a: np.ndarray, b: np.ndarray, region: np.ndarray) -> float:
    """PSNR as PIE-Bench states it: both photographs black outside ``region``, the mean over all pixels.

    It is higher than the true one by 10 log10(pixels / pixels of the region); to compare with published tables.
    """
    return psnr(a * region[..., None], b * region[..., None])


def ssim(a: np.ndarray, b: np.ndarray, region: np.ndarray | None = None) -> float:
    """Structural similarity, -1..1: the mean over pixels (of ``region``) where the window fits, and over channels.

    Wang, Bovik, Sheikh, Simoncelli 2004 with their constants. Raises DataError below 11 pixels.
    """
    _check(a, b, region)
    if min(a.shape[:2]) <= 2 * RADIUS:
        raise DataError(f'SSIM needs at least {2 * RADIUS + 1} pixels a side, the photograph has {a.shape[:2]}')
    inside = slice(RADIUS, -RADIUS)
    values = ssim_map(a, b)[inside, inside]
    return _mean(values if region is None else values[region[inside, inside]])


def ssim_pie(a: np.ndarray, b: np.ndarray, region: np.ndarray) -> float:
    """SSIM as PIE-Bench states it: both photographs black outside ``region``, the mean over all pixels."""
    return ssim(a * region[..., None], b * region[..., None])


def ssim_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """SSIM of the window around each pixel, (H, W, 3); pixels beyond the frame are mirrored ones."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = _blur(a), _blur(b)
    variance = _blur(a * a) - mean_a**2 + _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    above = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return above / ((mean_a**2 + mean_b**2 + C1) * (variance + C2))


def mean_change(a: np.ndarray, b: np.ndarray, region: np.ndarray | None = None) -> float:
    """Mean absolute difference as a share of the full range, 0..1, over the pixels of ``region``."""
    _check(a, b, region)
    difference = cv2.absdiff(a, b)
    return _mean(difference if region is None else difference[region]) / PEAK


def _blur(image: np.ndarray) -> np.ndarray:
    side = 2 * RADIUS + 1
    return cv2.GaussianBlur(image, (side, side), SIGMA, borderType=cv2.BORDER_REFLECT_101)


def _decibel(squares: np.ndarray) -> float:
    if not squares.size:
        return float('nan')
    error = squares.mean()
    return float(10 * np.log10(PEAK**2 / error)) if error else float('inf')


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float('nan')


def _check(a: np.ndarray, b: np.ndarray, region: np.ndarray | None) -> None:
    """Raise DataError unless all are of one size: numpy would broadcast instead."""
    sizes = [each.shape[:2] for each in (a, b, region) if each is not None]
    if len(set(sizes)) > 1 or a.shape != b.shape:
        raise DataError(f'photographs {a.shape} and {b.shape}, region {sizes[-1]}: they must be of one size')

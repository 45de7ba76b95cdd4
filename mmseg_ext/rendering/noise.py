"""Random fields: the raw material of every texture. All are float32 with mean 0 and deviation 1."""

import math

import cv2
import numpy as np
from numpy.random import Generator

SQUEEZE = 4


def smooth_noise(rng: Generator, shape: tuple[int, int], scale: float | tuple[float, float]) -> np.ndarray:
    """Noise of ``shape`` (H, W) whose bumps are about ``scale`` pixels wide; a pair scales rows, columns apart.

    Drawn on a coarse grid and enlarged: its cost does not grow with the scale as that of a blur would.
    """
    steps = [max(s / 2, 1) for s in ((scale, scale) if isinstance(scale, int | float) else scale)]
    grid = tuple(math.ceil(n / step) + 3 for n, step in zip(shape, steps, strict=True))
    field = rng.standard_normal(grid, dtype=np.float32)
    size = [max(n, round(g * step)) for n, g, step in zip(shape, grid, steps, strict=True)]
    field = cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    top, left = (size[0] - shape[0]) // 2, (size[1] - shape[1]) // 2
    return normalised(field[top : top + shape[0], left : left + shape[1]])


def cloud(rng: Generator, shape: tuple[int, int], scale: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise plus finer and weaker copies of it: blotches with ragged outlines."""
    layers = (smooth_noise(rng, shape, max(scale / 2**k, 1)) / 1.7**k for k in range(octaves))
    return normalised(sum(layers))


def streaks(rng: Generator, size: int, layers: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Grooves along the rows: the sum of ``layers`` of (length, width, weight) in pixels, (size, size // SQUEEZE).

    Nothing in them changes quickly along a row, so a row holds only every SQUEEZE-th pixel.
    """
    shape = size, size // SQUEEZE
    parts = (weight * smooth_noise(rng, shape, (width, length / SQUEEZE)) for length, width, weight in layers)
    return normalised(sum(parts))


def normalised(field: np.ndarray) -> np.ndarray:
    """``field`` with mean 0 and standard deviation 1; a constant field becomes 0."""
    mean, deviation = (float(moment[0, 0]) for moment in cv2.meanStdDev(field))
    return (field - mean) / max(deviation, 1e-6)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth between; the other way round if ``high`` is the smaller one."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)

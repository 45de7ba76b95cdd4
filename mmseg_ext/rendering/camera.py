"""From light to a photograph: backdrop, focus, vignetting, exposure, noise."""

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import smooth_noise
from mmseg_ext.rendering.scene import SIZE, Surface, pixel_grid


def backdrop(rng: Generator) -> np.ndarray:
    """What lies far behind the part: dim and out of focus, (SIZE, SIZE, 3)."""
    room = 0.035 + 0.018 * smooth_noise(rng, (SIZE, SIZE), 220)
    tint = np.array([1, 1, 1], np.float32) + rng.uniform(-0.12, 0.12, 3).astype(np.float32)
    blobs = np.zeros((SIZE // 8, SIZE // 8), np.float32)
    for _ in range(rng.integers(0, 4)):
        centre = rng.integers(0, SIZE // 8, 2).tolist()
        cv2.circle(blobs, centre, int(rng.integers(3, 9)), float(rng.uniform(0.02, 0.12)), -1)
    blobs = cv2.resize(cv2.GaussianBlur(blobs, (0, 0), 2.5), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return np.maximum(room + blobs, 0.004)[..., None] * tint


def focus(image: np.ndarray, defocus: np.ndarray) -> np.ndarray:
    """Blur every pixel by its own amount (in pixels): a blend of a few uniformly blurred pictures."""
    levels = (0.55, 1.5, 3.2)
    stack = [cv2.GaussianBlur(image, (0, 0), sigma) for sigma in levels]
    result = stack[0]
    for lower, upper, blurred in zip(levels, levels[1:], stack[1:], strict=False):
        weight = np.clip((defocus - lower) / (upper - lower), 0, 1)[..., None]
        result = result + (blurred - result) * weight
    return result


def photograph(rng: Generator, lit: np.ndarray, surface: Surface) -> np.ndarray:
    """The picture as the camera stores it, (SIZE, SIZE, 3) uint8, red first."""
    cover = np.clip(surface.inside + surface.flank + 0.5, 0, 1)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.6 + surface.flank / 40)[..., None]
    image = focus(lit * cover + backdrop(rng) * (1 - cover), surface.defocus)
    x, y = pixel_grid()
    corner = (x * x + y * y) / (2 * (SIZE / 2) ** 2)
    image = image * (1 - rng.uniform(0.05, 0.4) * corner)[..., None]
    image = expose(rng, image, surface.inside > 0)
    image = image * (1 + rng.uniform(-0.025, 0.025, 3).astype(np.float32))
    return to_bytes(sensor_noise(rng, image))


def expose(rng: Generator, image: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Bring the face to a middle grey that differs a little from picture to picture; roll off the highlights."""
    level = float(np.median(image[face])) if face.any() else float(np.median(image))
    image = image * (rng.uniform(0.2, 0.36) / max(level, 1e-3))
    knee = np.maximum(image - 0.6, 0)
    return (np.minimum(image, 0.6) + 0.4 * (1 - np.exp(-knee / 0.4))) ** (1 / 2.2)


def sensor_noise(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Noise that is stronger in dark parts after gamma, mostly shared by the three channels as after demosaicing."""
    amount = rng.uniform(0.006, 0.018)
    grey = rng.standard_normal((SIZE, SIZE, 1), dtype=np.float32)
    colour = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE, 3), dtype=np.float32), (0, 0), 0.8)
    return image + amount * (grey + colour) * (1.25 - 0.6 * image)


def to_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)

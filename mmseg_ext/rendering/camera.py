"""From light to a photograph: backdrop, focus, vignetting, exposure, noise."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import smooth_noise
from mmseg_ext.rendering.scene import SIZE, Surface, pixel_grid

GAMMA = 1 / 2.2
KNEE = 0.6  # linear level above which highlights are rolled off instead of cut


def backdrop(rng: Generator) -> np.ndarray:
    """What lies far behind the part: dim and out of focus, (SIZE, SIZE, 3)."""
    room = rng.uniform(0.008, 0.05) * cv2.exp(0.5 * smooth_noise(rng, (SIZE, SIZE), 320))
    tint = 1 + rng.uniform(-0.12, 0.12, 3).astype(np.float32)
    blobs = np.zeros((SIZE // 8, SIZE // 8), np.float32)
    for _ in range(rng.integers(0, 4)):
        centre = rng.integers(0, SIZE // 8, 2).tolist()
        cv2.circle(blobs, centre, int(rng.integers(3, 9)), rng.uniform(0.02, 0.12), -1)
    blobs = cv2.resize(cv2.GaussianBlur(blobs, (0, 0), 2.5), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return (room + blobs)[..., None] * tint


def focus(image: np.ndarray, defocus: np.ndarray) -> np.ndarray:
    """Blur every pixel by its own amount (in pixels): a blend of a few uniformly blurred pictures."""
    levels = (0.55, 1.5, 3.2)
    result, most = cv2.GaussianBlur(image, (0, 0), levels[0]), float(defocus.max())
    for lower, upper in pairwise(levels):
        if most <= lower:
            break
        weight = np.clip((defocus - lower) / (upper - lower), 0, 1)[..., None]
        result += (cv2.GaussianBlur(image, (0, 0), upper) - result) * weight
    return result


def photograph(rng: Generator, lit: np.ndarray, surface: Surface) -> np.ndarray:
    """The picture as the camera stores it, (SIZE, SIZE, 3) uint8, red first."""
    cover = np.clip(surface.inside + surface.flank + 0.5, 0, 1)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.6 + surface.flank / 40)[..., None]
    behind = backdrop(rng)
    image = focus(behind + (lit - behind) * cover, surface.defocus)
    x, y = pixel_grid()
    corner = (x * x + y * y) / (2 * (SIZE / 2) ** 2)
    image *= (1 - rng.uniform(0.05, 0.4) * corner)[..., None]
    return develop(rng, expose(rng, image, surface.inside > 0))


def expose(rng: Generator, image: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Bring the face to a middle grey that differs a little from picture to picture; roll off the highlights."""
    few = slice(None, None, 4)  # the median of every 16th pixel is as good and much faster
    level = float(np.median(image[few, few][face[few, few]]))
    image = image * (rng.uniform(0.18, 0.36) / max(level, 1e-3))
    rolled = (1 - KNEE) * (1 - cv2.exp(-np.maximum(image - KNEE, 0) / (1 - KNEE)))
    return cv2.pow(np.minimum(image, KNEE) + rolled, GAMMA)


def develop(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Colour cast and noise, then bytes. Noise is weaker in bright parts after gamma; its colour is coarser."""
    amount = rng.uniform(0.006, 0.018)
    grey = rng.standard_normal((SIZE, SIZE, 1), dtype=np.float32)
    colour = cv2.resize(rng.standard_normal((SIZE // 2, SIZE // 2, 3), dtype=np.float32), (SIZE, SIZE))
    image = image * (1 + rng.uniform(-0.035, 0.035, 3).astype(np.float32))
    image += amount * (grey + 0.6 * colour) * (1.25 - 0.6 * image)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)

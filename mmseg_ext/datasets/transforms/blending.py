"""Ways to put an object onto another photograph.

Each takes the photograph under the patch and the patch, both (h, w, channels) uint8, the object's pixels (h, w)
bool and a margin in pixels, and returns the blended patch, uint8. Farther than the margin from the object nothing
of the photograph changes.
"""

import cv2
import numpy as np

from mmseg_ext.functional.distance import distance_to

SWEEPS = 40  # of relaxation at each resolution: of smooth light, all but a grey value or two of the exact membrane
CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


def paste(under: np.ndarray, patch: np.ndarray, shape: np.ndarray, margin: int) -> np.ndarray:
    """The object's pixels as they are, and nothing around them; ``margin`` makes no difference."""
    return np.where(shape[..., None], patch, under)


def feather(under: np.ndarray, patch: np.ndarray, shape: np.ndarray, margin: int) -> np.ndarray:
    """The object as it is; what is around it fades out over ``margin`` pixels.

    Nothing of the object itself fades, so that a line of one pixel stays whole. Cut-and-paste detectors learn the
    edges of what is pasted where these are sharp: Dwibedi, Misra & Hebert 2017, arXiv 1708.01642.
    """
    distance = distance_to(shape)
    share = np.where(distance <= margin, 1 - distance / (margin + 1), 0)[..., None]
    return np.rint(share * patch + (1 - share) * under).astype(np.uint8)


def poisson(under: np.ndarray, patch: np.ndarray, shape: np.ndarray, margin: int) -> np.ndarray:
    """Object and margin keep their differences between neighbours, and meet the photograph without a step.

    The seamless cloning of Pérez, Gangnet & Blake 2003 (doi 10.1145/882262.882269): what is added to the patch is
    a membrane stretched between the differences to the photograph along the edge of the margin. Light and colour
    become those of the photograph. Where the patch ends with its image, the membrane ends freely.
    """
    inside = distance_to(shape) <= margin
    added = _membrane(under.astype(np.float32) - patch, inside)
    return np.where(inside[..., None], np.clip(np.rint(patch + added), 0, 255).astype(np.uint8), under)


def _membrane(border: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Harmonic values (h, w, channels) float32 ``inside`` that continue the given ones outside; 0 without any.

    Each resolution starts from the solution at half of it, so that a few sweeps suffice (cascadic multigrid:
    Bornemann & Deuflhard 1996, doi 10.1007/s002110050234).
    """
    if inside.all():
        return np.zeros_like(border)
    values = np.where(inside[..., None], _from_half(border, inside), border)
    for _ in range(SWEEPS if inside.any() else 0):
        means = cv2.filter2D(values, -1, CROSS, borderType=cv2.BORDER_REPLICATE).reshape(border.shape)
        values = np.where(inside[..., None], means, border)
    return values


def _from_half(border: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The membrane at half the resolution, enlarged; each of its cells is the mean of its pixels outside."""
    height, width = inside.shape
    half = (width + 1) // 2, (height + 1) // 2
    if half == (width, height):
        return np.zeros_like(border)
    outside = (~inside).astype(np.float32)
    weight = cv2.resize(outside, half, interpolation=cv2.INTER_AREA)[..., None]
    total = cv2.resize(border * outside[..., None], half, interpolation=cv2.INTER_AREA).reshape(*half[::-1], -1)
    coarse = _membrane(total / np.maximum(weight, 1e-6), weight[..., 0] < 1e-6)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(border.shape)


BLENDS = {'none': paste, 'feather': feather, 'poisson': poisson}

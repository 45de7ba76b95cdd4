"""A word put into a picture: its texture around the defects, lit as the metal is, and the region it takes."""

import math
from dataclasses import astuple

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.errors import UsageError
from mmseg_ext.rendering.camera import GAMMA
from mmseg_ext.rendering.light import facing
from mmseg_ext.rendering.noise import smoothstep
from mmseg_ext.rendering.scene import gradient
from mmseg_ext.rendering.textures import CANVAS, TEXTURES, Texture

WORDS = tuple(TEXTURES)
IGNORE = 255  # of a label: pixels that nobody has judged
CONTEXT, SMALLEST = 3, 128  # a window is so many times as wide as its defect, and at least so many pixels
TOGETHER = 32  # pixels up to which two defects are dressed as one: the editor's halos of both would touch
FAINT = 0.08  # cover below which nothing is changed: what is left is seen
DARK = 0.3  # of the usual brightness: darker surroundings lie behind the part and carry no texture
SHARP = 24  # exponent of a highlight


def add_word(
    image: np.ndarray, label: np.ndarray, word: str, rng: Generator, key: tuple[float, float, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with the texture of ``word`` around each of its defects, and the region that it takes.

    Args:
        image: (H, W, 3) uint8, red first; stays as it is.
        label: (H, W) uint8 class indices, 0 background, 255 ignored. The defects are never painted over, so
            the label is right for the result too. Without a defect the texture goes somewhere near the middle.
        word: one of ``WORDS``.
        key: unit direction (x, y, z) towards the lamp; drawn where the picture's own is not known.

    Returns:
        The new picture, which equals ``image`` byte for byte outside the region, and the region, (H, W) bool.
    """
    if word not in TEXTURES:
        raise UsageError(f'no texture for the word {word!r}; there are {", ".join(WORDS)}')
    key = key or draw_key(rng)
    result, region = image.copy(), np.zeros(label.shape, bool)
    defect = (label > 0) & (label != IGNORE)
    for place, box in places(rng, defect):
        texture = enlarged(TEXTURES[word](rng, place), box[0].stop - box[0].start)
        texture.cover *= paintable(image[box], defect[box])
        texture.cover[texture.cover < FAINT] = 0
        result[box] = lay(rng, result[box], texture, ~defect[box], key)
        region[box] |= texture.cover > 0
    return result, region


def draw_key(rng: Generator) -> tuple[float, float, float]:
    """Unit direction towards a lamp low over the part, as the renderer's own lamps are."""
    angle, height = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.95)
    length = math.hypot(1, height)
    return math.cos(angle) / length, math.sin(angle) / length, height / length


def places(rng: Generator, defect: np.ndarray) -> list[tuple[np.ndarray, tuple[slice, slice]]]:
    """For every group of defects, the middle of its texture, (x, y) on the canvas, and its square window."""
    height, width = defect.shape
    if not defect.any():
        middle = rng.uniform(0.38, 0.62, 2) * (width, height)
        return [around(middle, middle, 0, defect.shape)]
    joined = cv2.dilate(defect.astype(np.uint8), np.ones((TOGETHER + 1, TOGETHER + 1), np.uint8))
    count, parts = cv2.connectedComponents(joined)
    found = []
    for k in range(1, count):
        rows, columns = np.nonzero(defect & (parts == k))
        corners = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]], float)
        one = int(rng.integers(len(rows)))
        spot = np.array([columns[one], rows[one]]) * 0.5 + corners.mean(0) * 0.5
        found.append(around(corners.mean(0), spot, int(np.ptp(corners, axis=0).max()) + 1, defect.shape, rng))
    return found


def around(
    centre: np.ndarray, spot: np.ndarray, longest: int, shape: tuple[int, int], rng: Generator | None = None
) -> tuple[np.ndarray, tuple[slice, slice]]:
    """``spot`` on the canvas, moved a little by ``rng``; the window about ``centre``, shifted into the picture."""
    side = min(max(SMALLEST, CONTEXT * longest), *shape)
    left, top = (int(np.clip(c - side / 2, 0, n - side)) for c, n in zip(centre, shape[::-1], strict=True))
    place = (spot - (left, top)) * (CANVAS / side)
    if rng is not None:
        place = place + rng.normal(0, 5, 2)
    return place, (slice(top, top + side), slice(left, left + side))


def enlarged(texture: Texture, side: int) -> Texture:
    """The texture for a window of ``side`` pixels. Relief grows with it: slopes stay as steep as they are."""
    scale = side / CANVAS
    if side == CANVAS:
        return texture
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    layers = [cv2.resize(np.float32(layer), (side, side), interpolation=how) for layer in astuple(texture)]
    layers[2] *= scale
    return Texture(*layers)


def paintable(image: np.ndarray, defect: np.ndarray) -> np.ndarray:
    """Factor 0..1 on the cover, (h, w): 0 on the defect and on what lies dark behind the part."""
    away = cv2.distanceTransform((~defect).astype(np.uint8), cv2.DIST_L2, 3) if defect.any() else 9.0
    level = cv2.GaussianBlur(linear(image).mean(-1), (0, 0), 3)
    part = smoothstep(0.7 * DARK, DARK, level / max(float(np.quantile(level, 0.7)), 1e-3))
    return part * smoothstep(0.5, 2.5, np.float32(away))


def linear(image: np.ndarray) -> np.ndarray:
    """Bytes -> light, (h, w, 3) float32 in 0..1."""
    return cv2.pow(image.astype(np.float32) / 255, 1 / GAMMA)


def lay(
    rng: Generator, image: np.ndarray, texture: Texture, metal: np.ndarray, key: tuple[float, float, float]
) -> np.ndarray:
    """The texture in the light of the picture: as bright as the ``metal`` (h, w) bool about it, with its grain."""
    light = linear(image)
    skin = light + (around_level(light, metal) - light) * (1 - texture.keep)[..., None]
    matte, spark = relief(texture, key)
    seen = skin * texture.colour * matte[..., None] + (spark * float(np.median(skin)) * 2.5)[..., None]
    cover = texture.cover[..., None]
    mixed = cv2.pow(np.clip(light + (seen - light) * cover, 0, 1), GAMMA) * 255
    grain = 255 * rng.uniform(0.006, 0.018) * rng.standard_normal((*metal.shape, 1), dtype=np.float32)
    mixed = mixed + grain * cover * (1 - texture.keep)[..., None]
    return np.where(cover > 0, np.clip(mixed + 0.5, 0, 255).astype(np.uint8), image)


def around_level(light: np.ndarray, metal: np.ndarray) -> np.ndarray:
    """Brightness of the metal about each pixel, without its defects, (h, w, 1) or grey in (h, w, 3)."""
    weight = metal.astype(np.float32)
    sigma = max(len(metal) / 20, 1)
    held = cv2.GaussianBlur(light.mean(-1) * weight, (0, 0), sigma)
    return (held / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3))[..., None]


def relief(texture: Texture, key: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """What the slopes do to the light, (h, w) each: a factor, 1 where level, and the highlights."""
    slope = gradient(np.float32(texture.height))
    steep = np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    matte = np.clip(facing(slope, steep, key) / key[2], 0.25, 2.2)
    length = math.sqrt(2 + 2 * key[2])
    half = key[0] / length, key[1] / length, (key[2] + 1) / length
    level = half[2] ** SHARP  # what an even surface shows is no highlight
    spark = np.maximum(cv2.pow(np.maximum(facing(slope, steep, half), 0), SHARP) - level, 0)
    return matte, spark * texture.gloss

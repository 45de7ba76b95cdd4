"""The part itself: outline, faces and brushed metal, before anything happened to it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import SQUEEZE, cloud, smooth_noise, smoothstep, streaks

SIZE = 512
CANVAS = 832  # texture before it is turned and bent: holds the diagonal of the picture and most of the bend

# Reflectance (red, green, blue) of the bare surface: ground steel, warm steel, blueish steel, dark coatings.
TONES = ((0.55, 0.56, 0.57), (0.60, 0.57, 0.535), (0.47, 0.52, 0.58), (0.35, 0.34, 0.37), (0.40, 0.43, 0.46))


@dataclass
class Surface:
    """What light sees. Arrays are (SIZE, SIZE) float32 unless said otherwise; later layers change them."""

    inside: np.ndarray  # signed distance to the cutting edge in pixels, positive on the main face
    normal: np.ndarray  # (2, SIZE, SIZE) unit direction (x, y) pointing from the edge into the face
    tilt: np.ndarray  # (2, SIZE, SIZE) slope (x, y) of the large shapes: faces, chamfer, chip breaker
    height: np.ndarray  # relief in pixels: grooves, bumps
    albedo: np.ndarray  # (SIZE, SIZE, 3) reflectance
    matte: np.ndarray  # 0 mirror .. 1 scatters light evenly
    gloss: np.ndarray  # strength of small round highlights
    shadow: np.ndarray  # factor 0..1 on all light
    defocus: np.ndarray  # blur of the lens in pixels
    flank: float  # width in pixels of the second face below the edge; 0: the background begins at the edge
    brush: float  # direction of the grooves in radians


def pixel_grid() -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel, centred on the picture."""
    axis = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    return np.broadcast_to(axis, (SIZE, SIZE)), np.broadcast_to(axis[:, None], (SIZE, SIZE))


def turned(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along ``angle`` and across it."""
    x, y = pixel_grid()
    # math, not numpy: a numpy scalar of 64 bits would widen every array it meets.
    c, s = math.cos(angle), math.sin(angle)
    return x * c + y * s, y * c - x * s


def outline(rng: Generator) -> np.ndarray:
    """Distance to the edge: none in view, straight, rounded corner, or the arc of a round part."""
    kind = rng.choice(4, p=(0.14, 0.42, 0.28, 0.16))
    angle = rng.uniform(0, 2 * math.pi)
    reach = rng.uniform(60, 215)  # from the middle of the picture to the edge
    along, across = turned(angle)
    if kind == 0:
        return np.full((SIZE, SIZE), 1e3, np.float32)
    if kind == 1:
        return along + reach
    if kind == 2:
        return rounded_corner(rng, along + reach, angle)
    radius = rng.uniform(420, 1500)
    return radius - np.hypot(along - (radius - reach), across)


def rounded_corner(rng: Generator, first: np.ndarray, angle: float) -> np.ndarray:
    """Where the face ends at two edges: ``first`` is the distance to one of them, its normal at ``angle``."""
    turn = angle + float(rng.choice((-1, 1))) * rng.uniform(1.2, 1.95)
    second = turned(turn)[0] + rng.uniform(90, 215)
    radius = rng.uniform(15, 120)
    a, b = radius - first, radius - second
    return radius - np.hypot(np.maximum(a, 0), np.maximum(b, 0)) - np.minimum(np.maximum(a, b), 0)


def gradient(field: np.ndarray) -> np.ndarray:
    """Slope (x, y) per pixel, (2, H, W)."""
    return np.stack([cv2.Sobel(field, cv2.CV_32F, *axes, ksize=3, scale=1 / 8) for axes in ((1, 0), (0, 1))])


def brushed(rng: Generator, angle: float, bend: float, scale: float) -> np.ndarray:
    """Groove relief: parallel marks of several lengths, some deep, turned by ``angle`` and bent a little."""
    layers = (
        (700, 1.3 * scale, 0.5),
        (260, 1, 0.55),
        (90, 1.6 * scale, 0.4),
        (900, 6 * scale, 0.4),
        (500, 22, 0.35),
    )
    texture = streaks(rng, CANVAS, layers)
    texture -= 0.9 * np.maximum(streaks(rng, CANVAS, ((330, 1.6 * scale, 1.0),)) - 2.2, 0)  # the odd deep groove
    u, v = turned(angle)
    v = v + bend * u * u
    places = (u + CANVAS / 2) / SQUEEZE, v + CANVAS / 2
    return cv2.remap(texture, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def edge_profile(rng: Generator, inside: np.ndarray, flank: float) -> np.ndarray:
    """Slope towards the edge at every distance from it: chip breaker, chamfer, hone and the face below."""
    slope = np.zeros_like(inside)
    if rng.random() < 0.5:  # chip breaker: a shallow valley that runs along the edge
        centre, width = rng.uniform(55, 170), rng.uniform(18, 60)
        t = np.clip((inside - centre) / width, -5, 5)
        slope += rng.uniform(0.15, 0.5) * t * np.exp(-t * t)
    if rng.random() < 0.75:
        width = rng.uniform(5, 34)
        slope += rng.uniform(0.12, 0.5) * float(rng.choice((-1, 1))) * smoothstep(width + 1.2, width - 1.2, inside)
    hone = rng.uniform(1.5, 5)
    slope += rng.uniform(0.5, 1.0) * smoothstep(hone, -hone * 0.4, inside)
    if flank:
        slope += rng.uniform(0.1, 0.5) * smoothstep(2, -2, inside)
    return slope


def lens_blur(rng: Generator, inside: np.ndarray) -> np.ndarray:
    """Blur of a tilted focal plane: sharp along a band, softer away from it, soft on what lies below the edge."""
    away = np.abs(turned(rng.uniform(0, 2 * math.pi))[0] - rng.uniform(-90, 90)) / SIZE
    blur = rng.uniform(1, 13) * np.maximum(away - rng.uniform(0.2, 0.4), 0)
    return blur + np.maximum(-inside, 0) / rng.uniform(30, 70)


def inward_normal(inside: np.ndarray) -> np.ndarray:
    """Direction away from the nearest edge; far from it the crease between two edges is rounded off."""
    normal = gradient(inside)
    normal /= np.maximum(np.hypot(*normal), 1e-3)
    rounded = np.stack([cv2.GaussianBlur(part, (0, 0), 10) for part in normal])
    return rounded + (normal - rounded) * smoothstep(45, 15, inside)


def make_surface(rng: Generator) -> Surface:
    """A clean part: where it ends, how its faces lean, how it was ground."""
    inside = outline(rng)
    normal = inward_normal(inside)
    ragged = smooth_noise(rng, (SIZE, SIZE), rng.uniform(20, 60)) + 0.4 * smooth_noise(rng, (SIZE, SIZE), 5)
    inside = inside + rng.uniform(0.2, 1.1) * ragged  # no worn edge is a ruled line
    flank = rng.uniform(25, 170) if rng.random() < 0.5 else 0.0
    brush = rng.uniform(0, math.pi)
    flat = np.ones((SIZE, SIZE), np.float32)
    return Surface(
        inside=inside,
        normal=normal,
        tilt=-normal * edge_profile(rng, inside, flank),
        height=relief(rng, inside, flank, brush),
        albedo=reflectance(rng),
        matte=flat * rng.uniform(0.1, 0.3),
        gloss=flat * 0.05,
        shadow=flat.copy(),
        defocus=lens_blur(rng, inside),
        flank=flank,
        brush=brush,
    )


def relief(rng: Generator, inside: np.ndarray, flank: float, brush: float) -> np.ndarray:
    """Grooves of the face and, in another direction, of the flank; grain; a swell too broad to be seen as such."""
    scale = rng.uniform(0.8, 1.7)
    height = rng.uniform(0.1, 0.26) * brushed(rng, brush, rng.uniform(-1, 1) * 6e-4, scale)
    if flank:
        below = rng.uniform(0.05, 0.2) * brushed(rng, rng.uniform(0, math.pi), 0, scale)
        height = np.where(inside > 0, height, below)
    grain = rng.uniform(0.02, 0.09) * rng.standard_normal((SIZE, SIZE), dtype=np.float32)
    return height + grain + rng.uniform(1.0, 3.5) * smooth_noise(rng, (SIZE, SIZE), 190)


def reflectance(rng: Generator) -> np.ndarray:
    """Colour of the bare metal with a faint patina, (SIZE, SIZE, 3)."""
    tone = np.array(TONES[rng.integers(len(TONES))], np.float32) * rng.uniform(0.9, 1.1)
    patina = 1 + 0.05 * cloud(rng, (SIZE, SIZE), 120) + 0.03 * cloud(rng, (SIZE, SIZE), 9, 2)
    return tone * patina[..., None]

"""What the six words look like: textures around a place, drawn without knowing the picture they go to.

Each texture is drawn on a square of ``CANVAS`` pixels, so that it keeps its looks in windows of every size.
``TEXTURES`` maps a word to its function of a random stream and a place (x, y) on the square.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from scipy.spatial import cKDTree

from mmseg_ext.rendering.noise import cloud, smooth_noise, smoothstep

CANVAS = 128
SHAPE = CANVAS, CANVAS
X, Y = np.meshgrid(*2 * [np.arange(CANVAS, dtype=np.float32)])

# All colours are factors on the brightness of the metal around, red, green, blue.
RUST = ((0.42, 0.15, 0.06), (1.08, 0.41, 0.10), (1.55, 0.82, 0.26))  # from the depth of a patch to its bloom
CRUST = ((0.24, 0.38, 0.30), (0.58, 0.84, 0.68), (1.35, 1.65, 1.45))
GROUNDS = ((2.5, 2.2, 1.6), (0.40, 0.55, 0.85), (0.22, 0.22, 0.25), (0.80, 0.36, 0.36))  # primers under a coating


@dataclass
class Texture:
    """Layers (CANVAS, CANVAS) float32 of a change to a picture; ``colour`` has three channels."""

    cover: np.ndarray  # 0..1, how much of the change is seen; 0: the picture as it was
    colour: np.ndarray  # factor on the light that comes back
    height: np.ndarray  # relief in pixels: what light and shade are made of
    keep: np.ndarray  # 0..1: 1 lets the picture's own structure through, 0 is a new opaque skin
    gloss: np.ndarray  # strength of highlights


def blob(rng: Generator, centre: np.ndarray, radius: float, ragged: float = 0.22) -> np.ndarray:
    """Depth in pixels inside a ragged oval patch about ``centre``, negative outside, (CANVAS, CANVAS)."""
    turn, flat = rng.uniform(0, math.pi), math.sqrt(rng.uniform(0.55, 1))
    u, v = along(centre, turn)
    return radius * (1 + ragged * cloud(rng, SHAPE, 24)) - np.hypot(u * flat, v / flat)


def along(centre: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates about ``centre``: along ``angle`` and across it."""
    dx, dy = X - float(centre[0]), Y - float(centre[1])
    c, s = math.cos(angle), math.sin(angle)
    return dx * c + dy * s, dy * c - dx * s


def ramp(tones: tuple[tuple[float, ...], ...], place: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) at ``place``, 0 the first of ``tones`` and 1 the last."""
    stops = np.linspace(0, 1, len(tones))
    return np.stack([np.interp(place, stops, tone) for tone in zip(*tones, strict=True)], -1).astype(np.float32)


def discs(rng: Generator, centre: np.ndarray, reach: float, radii: np.ndarray, gap: float) -> list[np.ndarray]:
    """Circles (x, y, radius) within ``reach`` of ``centre``, ``gap`` x their radii apart; fewer if room lacks."""
    found: list[np.ndarray] = []
    for radius in radii:
        for _ in range(12):
            away, angle = reach * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)
            place = np.array([centre[0] + away * math.cos(angle), centre[1] + away * math.sin(angle), radius])
            if all(np.hypot(*(place - other)[:2]) > gap * (radius + other[2]) for other in found):
                found.append(place)
                break
    return found


def scratch(rng: Generator, centre: np.ndarray) -> Texture:
    """A bundle of thin bright lines, nearly parallel, each with a dark side, in a lightly rubbed band."""
    u, v = along(centre, rng.uniform(0, math.pi))
    v = v + rng.uniform(-1, 1) * 1.5e-3 * u * u
    count = int(rng.integers(4, 10))
    places = np.cumsum(rng.uniform(2.6, 5.5, count))
    bright, dark, near = (np.zeros(SHAPE, np.float32) for _ in range(3))
    for place in (places - places.mean()).tolist():
        away = v - place - rng.normal(0, 0.02) * u
        half, width = rng.uniform(16, 40), rng.uniform(0.45, 0.95)
        ends = smoothstep(half, half - 6, np.abs(u - rng.normal(0, 7)))
        side = away - rng.choice((-1.0, 1.0)) * 1.9 * width
        bright = np.maximum(bright, rng.uniform(0.55, 1) * ends * cv2.exp(-((away / width) ** 2)))
        dark = np.maximum(dark, ends * cv2.exp(-((side / width) ** 2)))
        near = np.maximum(near, ends * smoothstep(4.5, 2.5, np.abs(away)))
    shine = 1 + rng.uniform(0.02, 0.1) + rng.uniform(1.6, 2.6) * bright - 0.4 * dark
    return Texture(near, tinted(shine, (1, 1, 1)), 0 * bright, 1 - 0.7 * bright, 0 * bright)


def tinted(grey: np.ndarray, tone: tuple[float, ...]) -> np.ndarray:
    """(h, w) brightness -> (h, w, 3) in one tone."""
    return grey[..., None] * np.array(tone, np.float32)


def crusted(rng: Generator, centre: np.ndarray, radius: float) -> np.ndarray:
    """Cover 0..1 of a patch that frays into specks at its rim."""
    reach = blob(rng, centre, radius)
    field = reach / 7 + 0.5 + rng.uniform(0.6, 1.1) * cloud(rng, SHAPE, rng.uniform(9, 16))
    return smoothstep(-0.3, 0.7, field) * smoothstep(-9, -4, reach)


def rust(rng: Generator, centre: np.ndarray) -> Texture:
    """Orange-brown rough patches: dark and scaly in their depth, powdery and bright in places."""
    cover = crusted(rng, centre, rng.uniform(15, 30)) * rng.uniform(0.8, 1)
    tone = 0.5 + 0.22 * cloud(rng, SHAPE, 10) + rng.uniform(-0.12, 0.12)
    pores = 1 - 0.55 * smoothstep(0.9, 1.7, smooth_noise(rng, SHAPE, 3))
    height = rng.uniform(0.25, 0.5) * smooth_noise(rng, SHAPE, 4) + 0.12 * smooth_noise(rng, SHAPE, 2)
    colour = ramp(RUST, tone) * pores[..., None]
    return Texture(cover, colour, height * cover, 0.12 * np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32))


def corrosion(rng: Generator, centre: np.ndarray) -> Texture:
    """A grey-green crust with pale bloom, eaten through by dark round pits."""
    radius = rng.uniform(15, 29)
    crust = crusted(rng, centre, radius) * rng.uniform(0.85, 1)
    colour = ramp(CRUST, 0.45 + 0.24 * cloud(rng, SHAPE, 8) + rng.uniform(-0.1, 0.1))
    height = 0.25 * smooth_noise(rng, SHAPE, 4)
    pits = np.zeros(SHAPE, np.float32)
    radii = np.sort(rng.uniform(1.2, 3.4, rng.integers(10, 26)))[::-1]
    for x, y, size in discs(rng, centre, radius, radii, 1.05):
        away = np.hypot(X - float(x), Y - float(y)) * (1 + 0.1 * smooth_noise(rng, SHAPE, 5))
        pits = np.maximum(pits, smoothstep(size + 0.7, size - 0.7, away))
    colour *= 1 - 0.9 * pits[..., None]
    keep = 0.12 * np.ones(SHAPE, np.float32)
    return Texture(np.maximum(crust, pits), colour, height - 1.2 * pits, keep, 0 * pits)


def blistering(rng: Generator, centre: np.ndarray) -> Texture:
    """Round bumps of several sizes, each with a lit side, a shaded side and a dark foot."""
    height, cover, foot = (np.zeros(SHAPE, np.float32) for _ in range(3))
    radii = np.sort(np.clip(rng.lognormal(math.log(5.2), 0.35, rng.integers(9, 24)), 3, 10))[::-1]
    steep = rng.uniform(0.34, 0.52)
    for x, y, size in discs(rng, centre, rng.uniform(18, 34), radii, 1.02):
        away = np.hypot(X - float(x), Y - float(y)) / float(size)
        dome = np.maximum(1 - away * away, 0)
        height = np.maximum(height, steep * float(size) * dome * np.sqrt(dome))
        cover = np.maximum(cover, smoothstep(1 + 2.2 / float(size), 1, away))
        foot = np.maximum(foot, cv2.exp(-(((away - 1.05) * float(size)) ** 2)))
    colour = tinted(1 + rng.uniform(0, 0.15) - 0.32 * foot, (1, 1, 1))
    return Texture(cover, colour, height, 0.75 + 0 * foot, rng.uniform(0.4, 0.9) * cover)


def dent(rng: Generator, centre: np.ndarray) -> Texture:
    """A smooth wide hollow: its near wall in shade, its far wall lit, with an arc of highlight."""
    turn, flat = rng.uniform(0, math.pi), math.sqrt(rng.uniform(0.6, 1))
    u, v = along(centre, turn)
    radius = rng.uniform(16, 29)
    away = np.hypot(u * flat, v / flat) / radius * (1 + 0.05 * smooth_noise(rng, SHAPE, 40))
    bowl = np.maximum(1 - away * away, 0)
    height = -rng.uniform(0.38, 0.62) * radius * bowl * np.sqrt(bowl)
    lip = 0.04 * radius * cv2.exp(-(((away - 1.02) / 0.13) ** 2))
    cover = smoothstep(1.34, 1.1, away)
    colour = tinted(1 - rng.uniform(0.05, 0.25) * bowl, (1, 1, 1))
    return Texture(cover, colour, height + lip, 0.8 + 0 * cover, rng.uniform(0.7, 1.3) * cover)


def peeling(rng: Generator, centre: np.ndarray) -> Texture:
    """Coating that came off in flakes: a ground of another colour, curled rims that are lit or cast a shade."""
    reach = blob(rng, centre, rng.uniform(16, 28))
    bare = flaked_off(rng, reach, rng.uniform(8, 14))
    inwards = cv2.distanceTransform(bare.astype(np.uint8), cv2.DIST_L2, 3)
    outwards = cv2.distanceTransform((~bare).astype(np.uint8), cv2.DIST_L2, 3)
    curl = cv2.exp(-outwards / rng.uniform(2, 3.6)) * ~bare
    height = cv2.GaussianBlur(rng.uniform(2.6, 4.2) * curl, (0, 0), 0.7)
    ground = ramp((GROUNDS[rng.integers(len(GROUNDS))],), 0 * inwards) * rng.uniform(0.85, 1.15)
    shade = 1 - 0.6 * cv2.exp(-inwards / 1.6) + 0.06 * cloud(rng, SHAPE, 12)
    soft = cv2.GaussianBlur(bare.astype(np.float32), (0, 0), 0.6)
    coat = tinted(1 + 0.5 * curl, (1, 1, 1))
    colour = coat + (ground * shade[..., None] - coat) * soft[..., None]
    cover = np.maximum(soft, smoothstep(6, 3, outwards))
    return Texture(cover, colour, height, 1 - 0.88 * soft, 0.5 * curl)


def flaked_off(rng: Generator, reach: np.ndarray, size: float) -> np.ndarray:
    """Where the coating is gone, bool: angular flakes, ``size`` pixels wide, inside ``reach``; a few are left."""
    step = np.arange(-size, CANVAS + size, size)
    seeds = np.stack(np.meshgrid(step, step), -1).reshape(-1, 2)
    seeds = seeds + rng.uniform(-0.45, 0.45, seeds.shape) * size
    column, row = np.clip(seeds.round().astype(int), 0, CANVAS - 1).T
    gone = (reach[row, column] + rng.normal(0, 0.3 * size, len(seeds)) > 0) & (rng.random(len(seeds)) > 0.14)
    gone[np.argmax(reach[row, column])] = True
    bent = np.stack([axis + 0.9 * smooth_noise(rng, SHAPE, 6) for axis in (X, Y)], -1)
    return gone[cKDTree(seeds).query(bent)[1]]


TEXTURES: dict[str, Callable[[Generator, np.ndarray], Texture]] = {
    'scratch': scratch,
    'rust': rust,
    'peeling': peeling,
    'corrosion': corrosion,
    'blistering': blistering,
    'dent': dent,
}

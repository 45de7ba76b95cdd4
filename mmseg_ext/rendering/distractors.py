"""What a used part shows without being defective: scratches, rub marks, stains, heat tint, dust. All of it class 0."""

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import cloud, smooth_noise, smoothstep
from mmseg_ext.rendering.scene import SIZE, Surface

ONE = 1 << 4  # cv2 draws lines at sixteenths of a pixel
SHIFT = 4


def add_distractors(rng: Generator, surface: Surface) -> None:
    edge_wear(rng, surface)
    scratches(rng, surface)
    if rng.random() < 0.45:
        stains(rng, surface)
    if rng.random() < 0.3:
        heat_tint(rng, surface)
    dust(rng, surface)


def stroke(points: np.ndarray, width: float) -> np.ndarray:
    """Coverage 0..1 of a smooth line through ``points`` (N, 2), (SIZE, SIZE)."""
    layer = np.zeros((SIZE, SIZE), np.uint8)
    cv2.polylines(layer, [np.round(points * ONE).astype(np.int32)], False, 255, max(1, round(width)),
                  cv2.LINE_AA, SHIFT)  # fmt: skip
    return cv2.GaussianBlur(layer, (0, 0), 0.6).astype(np.float32) / 255


def scratches(rng: Generator, surface: Surface) -> None:
    """Fine dull lines, straight or gently bent: darker than the metal, never as bright or jagged as a fracture."""
    for _ in range(rng.integers(1, 7)):
        start, heading = rng.uniform(0, SIZE, 2), rng.uniform(0, 2 * np.pi)
        t = np.linspace(0, rng.uniform(40, 330), 24)
        angle = heading + rng.uniform(-1, 1) * 2e-3 * t
        points = start + np.stack([np.cos(angle) * t, np.sin(angle) * t], 1)
        line = stroke(points, 1) * np.clip(0.8 + 0.4 * smooth_noise(rng, (SIZE, SIZE), 25), 0, 1)
        surface.height -= rng.uniform(0.1, 0.5) * line
        surface.albedo *= 1 - rng.uniform(0.1, 0.4) * line[..., None]


def edge_wear(rng: Generator, surface: Surface) -> None:
    """Rubbed land along the edge: a shade of its own, with streaks that run off the edge."""
    width = rng.uniform(6, 38)
    reach = width * (1 + 0.35 * smooth_noise(rng, (SIZE, SIZE), 60) + 0.12 * smooth_noise(rng, (SIZE, SIZE), 8))
    land = smoothstep(reach + 3, reach - 3, surface.inside) * (surface.inside > -2)
    rub = 0.10 * smooth_noise(rng, (SIZE, SIZE), 3) + 0.07 * cloud(rng, (SIZE, SIZE), 14)
    shade = rng.uniform(-0.32, 0.12)
    surface.albedo *= 1 + (land * (shade + rub))[..., None]
    surface.height += land * rng.uniform(0.05, 0.3) * smooth_noise(rng, (SIZE, SIZE), 4)


def stains(rng: Generator, surface: Surface) -> None:
    """Dried coolant: pale brown films, darker at the rim, as the last of a drop leaves them."""
    for _ in range(rng.integers(1, 4)):
        y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
        centre, radius = rng.uniform(0, SIZE, 2), rng.uniform(22, 85)
        ragged = 1 + 0.2 * smooth_noise(rng, (SIZE, SIZE), 70) + 0.06 * smooth_noise(rng, (SIZE, SIZE), 14)
        film = radius * ragged - np.hypot(x - centre[0], (y - centre[1]) * rng.uniform(0.6, 1.6))
        amount = smoothstep(-2, 5, film) * (0.35 + 0.65 * np.exp(-np.maximum(film, 0) / 7))
        amount = amount * np.clip(0.8 + 0.25 * cloud(rng, (SIZE, SIZE), 30), 0, 1.2) * rng.uniform(0.1, 0.34)
        soak = 1 - np.array([rng.uniform(0.6, 0.8), 0.9, 1.1], np.float32)
        surface.albedo *= 1 - amount[..., None] * (1 - soak)
        surface.matte += (1 - surface.matte) * 0.5 * amount


def heat_tint(rng: Generator, surface: Surface) -> None:
    """Temper colours parallel to the edge: straw, then violet and blue, broad and faint."""
    bend = 14 * smooth_noise(rng, (SIZE, SIZE), 120)
    t = np.clip((surface.inside + bend) / rng.uniform(60, 160), 0, 1)
    colours = np.array([[0.85, 0.92, 1.12], [0.93, 0.88, 1.05], [1.08, 0.98, 0.84], [1, 1, 1]], np.float32)
    place = t * (len(colours) - 1)
    weights = [np.maximum(1 - np.abs(place - k), 0)[..., None] for k in range(len(colours))]
    tint = sum(w * c for w, c in zip(weights, colours, strict=True))
    surface.albedo *= 1 + rng.uniform(0.3, 0.8) * (tint - 1)


def dust(rng: Generator, surface: Surface) -> None:
    """Specks of a pixel or two and a few short fibres, grey and dull."""
    specks = (rng.random((SIZE, SIZE), dtype=np.float32) < rng.uniform(2e-5, 5e-4)).astype(np.float32)
    specks = cv2.GaussianBlur(specks, (0, 0), 0.8) * 3.5
    surface.albedo *= 1 - rng.uniform(0.2, 0.6) * np.minimum(specks, 1)[..., None]
    for _ in range(rng.integers(0, 3)):
        turn = np.cumsum(rng.normal(0, 0.35, 10)) + rng.uniform(0, 2 * np.pi)
        points = rng.uniform(0, SIZE, 2) + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * 2.5, 0)
        fibre = 0.55 * stroke(points, 1)[..., None]
        surface.albedo += fibre * (np.float32(0.22) - surface.albedo)

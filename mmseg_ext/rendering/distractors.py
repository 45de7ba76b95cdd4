"""What a used part shows without being defective: scratches, rub marks, stains, heat tint, dust. All class 0."""

import math

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import SQUEEZE, cloud, smooth_noise, smoothstep, streaks
from mmseg_ext.rendering.scene import SIZE, Surface, pixel_grid, turned

SHIFT = 4  # cv2 draws lines at sixteenths of a pixel
TEMPER = ((0.85, 0.92, 1.12), (0.93, 0.88, 1.05), (1.08, 0.98, 0.84), (1, 1, 1))  # from the edge inwards


def add_distractors(rng: Generator, surface: Surface) -> None:
    """Put onto ``surface`` what a detector must learn to leave alone: wear, scratches, stains, drops. Class 0."""
    edge_wear(rng, surface)
    scratches(rng, surface)
    if rng.random() < 0.45:
        stains(rng, surface)
    if rng.random() < 0.4:
        droplets(rng, surface)
    if rng.random() < 0.35:
        heat_tint(rng, surface)
    dust(rng, surface)


def stroke(points: np.ndarray) -> np.ndarray:
    """Coverage 0..1 of a hairline through ``points`` (N, 2), (SIZE, SIZE)."""
    layer = np.zeros((SIZE, SIZE), np.uint8)
    corners = np.round(points * 2**SHIFT).astype(np.int32)
    cv2.polylines(layer, [corners], False, 255, 1, cv2.LINE_AA, SHIFT)
    return cv2.GaussianBlur(layer, (0, 0), 0.6).astype(np.float32) / 255


def scratches(rng: Generator, surface: Surface) -> None:
    """Fine dull lines, straight or gently bent: darker than the metal, never as bright or jagged as a fracture."""
    fading = np.clip(0.75 + 0.45 * smooth_noise(rng, (SIZE, SIZE), 25), 0, 1)
    for _ in range(rng.integers(1, 9)):
        t = np.linspace(0, rng.uniform(40, 330), 24)
        angle = rng.uniform(0, 2 * math.pi) + rng.uniform(-1, 1) * 2e-3 * t
        points = rng.uniform(0, SIZE, 2) + np.stack([np.cos(angle) * t, np.sin(angle) * t], 1)
        line = stroke(points) * fading
        surface.height -= rng.uniform(0.1, 0.5) * line
        surface.albedo *= 1 - rng.uniform(0.1, 0.4) * line[..., None]


def edge_wear(rng: Generator, surface: Surface) -> None:
    """Rubbed land along the edge: a shade of its own, with streaks where the chips ran off."""
    width = rng.uniform(5, 34)
    rub = across_edge(rng, surface)
    reach = width * (1 + 0.3 * smooth_noise(rng, (SIZE, SIZE), 70)) + rng.uniform(0.4, 2) * rub
    soft = rng.uniform(1.5, 6)
    land = smoothstep(reach + soft, reach - soft, surface.inside) * (surface.inside > -1)
    patches = 0.05 * cloud(rng, (SIZE, SIZE), 24) + rng.uniform(0.03, 0.1) * rub
    surface.albedo *= 1 + (land * (rng.uniform(-0.34, 0.12) + patches))[..., None]
    surface.height += land * (rng.uniform(0.04, 0.2) * rub + 0.06 * smooth_noise(rng, (SIZE, SIZE), 3))


def across_edge(rng: Generator, surface: Surface) -> np.ndarray:
    """Streaks that run off the edge at a right angle, (SIZE, SIZE)."""
    x, y = pixel_grid()
    texture = streaks(rng, SIZE, ((60, 2.2, 1.0), (140, 6, 0.7), (30, 1, 0.5)))
    nx, ny = surface.normal
    # Place along the edge: the tangent part of the position, and round a corner the turn of the normal.
    along = y * nx - x * ny + 150 * np.arctan2(ny, nx)
    inwards = np.clip(surface.inside, -200, 400) / SQUEEZE
    return cv2.remap(texture, inwards, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def stains(rng: Generator, surface: Surface) -> None:
    """Dried coolant: pale brown films, darker at the rim, as the last of a drop leaves them."""
    uneven = np.clip(0.8 + 0.25 * cloud(rng, (SIZE, SIZE), 30), 0, 1.2)
    for _ in range(rng.integers(1, 4)):
        u, v = turned(rng.uniform(0, math.pi))
        radius, flat = rng.uniform(22, 85), rng.uniform(0.7, 1.4)
        ragged = 1 + 0.2 * smooth_noise(rng, (SIZE, SIZE), 70) + 0.06 * smooth_noise(rng, (SIZE, SIZE), 14)
        centre = rng.uniform(-SIZE / 2, SIZE / 2), rng.uniform(-SIZE / 2, SIZE / 2)
        film = radius * ragged - np.hypot(u - centre[0], (v - centre[1]) * flat)
        rim = 0.35 + 0.65 * cv2.exp(-np.maximum(film, 0) / 7)
        amount = smoothstep(-2, 5, film) * rim * uneven * rng.uniform(0.12, 0.42)
        absorbed = np.array([rng.uniform(0.6, 0.8), 0.9, 1.1], np.float32)
        surface.albedo *= 1 - amount[..., None] * absorbed
        surface.matte += (1 - surface.matte) * 0.5 * amount


def droplets(rng: Generator, surface: Surface) -> None:
    """A splash of small dried drops: brown like stale brass, but dull, flat and see-through, with a dark rim."""
    middle = rng.uniform(0, SIZE, 2)
    ragged = 1 + 0.15 * smooth_noise(rng, (SIZE, SIZE), 9)
    x, y = (axis + SIZE / 2 for axis in pixel_grid())
    amount = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(rng.integers(4, 18)):
        radius = float(np.clip(rng.lognormal(math.log(5), 0.4), 2.5, 13))
        cx, cy = (middle + rng.normal(0, 75, 2)).tolist()
        film = radius - np.hypot(x - cx, y - cy) * ragged
        rim = 0.5 + 0.5 * cv2.exp(-((film - 1.2) ** 2) / 2)
        amount = np.maximum(amount, smoothstep(-0.8, 1, film) * rim * rng.uniform(0.3, 0.6))
    surface.albedo *= 1 - amount[..., None] * np.array([0.56, 0.87, 1.2], np.float32)
    surface.matte += (1 - surface.matte) * 0.4 * amount


def heat_tint(rng: Generator, surface: Surface) -> None:
    """Temper colours parallel to the edge: straw, then violet and blue, broad and faint."""
    bend = 14 * smooth_noise(rng, (SIZE, SIZE), 120)
    place = np.clip((surface.inside + bend) / rng.uniform(60, 160), 0, 1) * (len(TEMPER) - 1)
    strength = rng.uniform(0.4, 1.1)
    for channel, tones in enumerate(np.transpose(TEMPER).astype(np.float32)):
        tint = np.interp(place, range(len(tones)), tones).astype(np.float32)
        surface.albedo[..., channel] *= 1 + strength * (tint - 1)


def dust(rng: Generator, surface: Surface) -> None:
    """Specks of a pixel or two and a few short fibres, grey and dull."""
    specks = (rng.random((SIZE, SIZE), dtype=np.float32) < rng.uniform(2e-5, 5e-4)).astype(np.float32)
    specks = np.minimum(cv2.GaussianBlur(specks, (0, 0), 0.8) * 3.5, 1)
    surface.albedo *= 1 - rng.uniform(0.2, 0.6) * specks[..., None]
    for _ in range(rng.integers(0, 3)):
        turn = np.cumsum(rng.normal(0, 0.35, 10)) + rng.uniform(0, 2 * math.pi)
        points = rng.uniform(0, SIZE, 2) + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * 2.5, 0)
        surface.albedo += 0.55 * stroke(points)[..., None] * (0.22 - surface.albedo)

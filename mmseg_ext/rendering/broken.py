"""Class 2, broken: silver fracture lines, and chips with bright facets."""

import math
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from scipy.spatial import cKDTree

from mmseg_ext.rendering.light import Light
from mmseg_ext.rendering.noise import smooth_noise, smoothstep
from mmseg_ext.rendering.patches import Window, cast_shadow, claim, paint, window
from mmseg_ext.rendering.scene import Surface

LABEL = 2
SILVER = np.array([0.98, 1.0, 1.02], np.float32)


def jagged_path(rng: Generator, start: np.ndarray, heading: float, length: float) -> np.ndarray:
    """Corners of a fracture, (N, 2): it zigzags about its heading, which itself drifts slowly."""
    points, gone, side = [start], 0.0, float(rng.choice((-1, 1)))
    while gone < length:
        step = min(rng.uniform(3, 9), length - gone + 0.5)
        angle = heading + side * abs(rng.normal(0, 0.6))
        heading, side = heading + rng.normal(0, 0.12), -side if rng.random() < 0.75 else side
        points.append(points[-1] + step * np.array([math.cos(angle), math.sin(angle)]))
        gone += step
    return np.array(points)


def line_reach(view: Window, points: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Half width at the nearest place of the line minus the distance to it, in pixels, (h, w)."""
    reach = np.full(view.shape, -np.inf, np.float32)
    ends = np.column_stack([points, widths / 2]).tolist()
    for (ax, ay, a), (bx, by, b) in pairwise(ends):
        dx, dy = bx - ax, by - ay
        t = np.clip(((view.x - ax) * dx + (view.y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        reach = np.maximum(reach, a + (b - a) * t - np.hypot(view.x - ax - t * dx, view.y - ay - t * dy))
    return reach


def crack(
    rng: Generator, surface: Surface, mask: np.ndarray, start: np.ndarray, heading: float, area: int,
    light: Light, level: np.ndarray,
) -> None:  # fmt: skip
    """A fracture line: jagged, silver, of uneven width, sometimes forked, with a dark lip along one side."""
    width = rng.uniform(2.5, 3.7)
    points = jagged_path(rng, start, heading, float(np.clip(area / width, 36, 125)))
    lines = [(points, width)]
    if rng.random() < 0.4 and len(points) > 8:
        fork = int(rng.integers(len(points) // 3, 2 * len(points) // 3))
        turn = heading + float(rng.choice((-1, 1))) * rng.uniform(0.5, 1.1)
        lines.append((jagged_path(rng, points[fork], turn, 0.07 * area), 0.8 * width))
    corners = np.concatenate([line for line, _ in lines])
    view = window((corners.max(0) + corners.min(0)) / 2, float(np.ptp(corners, axis=0).max()) / 2 + 10)
    reach = np.full(view.shape, -np.inf, np.float32)
    for line, wide in lines:
        taper = np.minimum(1, 0.35 + np.arange(len(line))[::-1] / 4) * rng.uniform(0.6, 1.4, len(line))
        reach = np.maximum(reach, line_reach(view, line, wide * taper))
    reach += 0.3 * smooth_noise(rng, view.shape, 3)
    cover, depth = claim(surface, mask, view, reach, area, LABEL)
    cast_shadow(surface, view, cover, -1.8 * light.side, soft=0.9, strength=0.8)
    fracture(rng, surface, view, cover, depth, 7, level[view.box] / light.matte_level)


def chip(
    rng: Generator,
    surface: Surface,
    mask: np.ndarray,
    centre: np.ndarray,
    area: int,
    light: Light,
    level: np.ndarray,
) -> None:
    """Broken-out material: a ragged patch of facets below the face, its lip in shadow, a notch in the outline."""
    radius = math.sqrt(area / math.pi)
    view = window(centre, 2.6 * radius + 10)
    reach = polygon(rng, view, centre, radius)
    reach += 0.9 * smooth_noise(rng, view.shape, 9) + 0.45 * smooth_noise(rng, view.shape, 3.5)
    if not surface.flank:
        outwards = -surface.normal[:, int(centre[1]), int(centre[0])]
        gone = polygon(rng, view, centre + outwards * 0.8 * radius, 0.75 * radius)
        surface.inside[view.box] = np.minimum(surface.inside[view.box], np.maximum(-gone, -4))
    cover, depth = claim(surface, mask, view, reach, area, LABEL)
    cast_shadow(surface, view, cover, 1.6 * light.side, soft=0.9, strength=0.7)
    fracture(rng, surface, view, cover, depth, max(4.5, 0.5 * radius), level[view.box] / light.matte_level)


def polygon(rng: Generator, view: Window, centre: np.ndarray, radius: float) -> np.ndarray:
    """Reach of a convex patch with straight sides, about ``radius`` pixels to each side of ``centre``."""
    dx, dy = view.x - float(centre[0]), view.y - float(centre[1])
    stretch, turn = rng.uniform(0.6, 1.0), rng.uniform(0, math.pi)
    reach = 1.6 * radius - np.hypot(dx, dy)
    for angle in rng.uniform(0, 2 * math.pi, rng.integers(6, 10)).tolist():
        side = radius * rng.uniform(0.75, 1.25) * (stretch + (1 - stretch) * abs(math.cos(angle - turn)))
        reach = np.minimum(reach, side - dx * math.cos(angle) - dy * math.sin(angle))
    return reach


def facets(rng: Generator, view: Window, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes of a fracture about ``size`` pixels wide: slope (2, h, w), brightness (h, w), crevice 0..1 (h, w)."""
    h, w = view.shape
    count = max(6, int(h * w / size**2))
    seeds = rng.uniform(0, 1, (count, 2)) * (w, h) + (view.x.min(), view.y.min())
    traits = np.column_stack([rng.normal(0, 0.3, (count, 2)), rng.uniform(0.85, 1.25, count)]).astype(np.float32)
    bent = np.stack([axis + 0.8 * smooth_noise(rng, view.shape, 5) for axis in (view.x, view.y)], -1)
    away, nearest = cKDTree(seeds).query(bent, k=2)
    crevice = np.exp(-((away[..., 1] - away[..., 0]) ** 2) / 1.2).astype(np.float32)
    slope_x, slope_y, brightness = np.moveaxis(traits[nearest[..., 0]], -1, 0)
    return np.stack([slope_x, slope_y]), brightness, crevice


def fracture(
    rng: Generator,
    surface: Surface,
    view: Window,
    cover: np.ndarray,
    depth: np.ndarray,
    size: float,
    level: np.ndarray,
) -> None:
    """Paint fresh fracture: brighter than the worn metal about it, each plane with a sheen of its own, grainy."""
    slope, brightness, crevice = facets(rng, view, size)
    grain = 1 + 0.06 * rng.standard_normal(view.shape, dtype=np.float32)
    ridge = 1 + 0.2 * np.exp(-(depth**2) / 1.5)
    sheen = brightness * grain * ridge * (1 - 0.35 * crevice * smoothstep(1, 2.5, depth))
    sunk = float(surface.height[view.box].mean()) - np.minimum(depth, 4) * 0.15
    paint(surface, view, cover, height=sunk, albedo=(level * sheen)[..., None] * SILVER, matte=1.0, gloss=0.5,
          tilt=slope)  # fmt: skip

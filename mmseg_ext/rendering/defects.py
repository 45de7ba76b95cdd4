"""The two defects: attached brassy speckles and broken silver fractures, drawn into a surface and its mask.

Each defect is a field ``reach`` in pixels, largest inside. The level set that holds exactly the planned number of
pixels becomes the mask, so areas are right by construction, and the soft step around that level is what is painted.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.noise import cloud, smooth_noise, smoothstep
from mmseg_ext.rendering.scene import Surface

ATTACHED, BROKEN = 1, 2


@dataclass
class Window:
    """A square part of the picture: its slice, and the coordinates of its pixels."""

    box: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape


def window(centre: np.ndarray, half: float, size: int) -> Window:
    """The window of ``half`` pixels to every side of ``centre`` (x, y), cut at the picture's border."""
    (left, top), (right, bottom) = (np.clip(np.floor(centre + k * half), 0, size).astype(int) for k in (-1, 1))
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    return Window((slice(top, bottom), slice(left, right)), x, y)


def level_of(reach: np.ndarray, free: np.ndarray, area: int) -> float:
    """The level above which exactly ``area`` of the ``free`` pixels lie (all of them where there are fewer)."""
    values = reach[free]
    area = min(area, values.size)
    if not area:
        return float(reach.max()) + 1
    return float(np.partition(values, values.size - area)[values.size - area])


def claim(surface: Surface, mask: np.ndarray, view: Window, reach: np.ndarray, area: int,
          label: int) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Write the label; return what to paint: soft coverage 0..1, and depth in pixels from the outline inwards."""
    free = (mask[view.box] == 0) & (surface.inside[view.box] > 1 - surface.flank)
    level = level_of(reach, free, area)
    chosen = free & (reach >= level)
    mask[view.box][chosen] = label
    depth = reach - level
    cover = np.clip(depth + 0.5, 0, 1) * (surface.inside[view.box] > 0.5 - surface.flank)
    return cover * (mask[view.box] * (1 - free) == 0), np.maximum(depth, 0)


def cast_shadow(surface: Surface, view: Window, cover: np.ndarray, offset: np.ndarray, soft: float,
                strength: float) -> None:  # fmt: skip
    """Darken what lies on the far side of the lamp, and a rim all around, where light hardly gets in."""
    move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
    cover = cover.astype(np.float32)
    cast = cv2.GaussianBlur(cv2.warpAffine(cover, move, cover.shape[::-1]), (0, 0), soft)
    rim = cv2.GaussianBlur(cover, (0, 0), 1.6)
    dark = np.maximum(strength * cast, 0.6 * strength * rim) * (1 - cover)
    surface.shadow[view.box] *= 1 - np.clip(dark, 0, 0.9)


def paint(surface: Surface, view: Window, cover: np.ndarray, **layers: np.ndarray | float) -> None:
    """Replace the surface's layers by new ones where ``cover`` is 1, blending at the rim."""
    for name, value in layers.items():
        layer = getattr(surface, name)
        weight = cover[..., None] if layer.ndim == 3 and layer.shape[-1] == 3 else cover
        part = layer[(Ellipsis, *view.box)] if name == 'tilt' else layer[view.box]
        part += (value - part) * weight


def speckle_radii(rng: Generator, area: int) -> list[float]:
    """Radii in pixels of blobs that cover ``area`` together."""
    radii, left = [], float(area)
    while left > 0:
        radius = float(np.clip(rng.lognormal(np.log(4.6), 0.38), 2.8, 10))
        radius = min(radius, np.sqrt(left / np.pi)) if left > 25 else 2.8
        radii.append(radius)
        left -= np.pi * radius**2
    return radii


def attach_cluster(rng: Generator, surface: Surface, mask: np.ndarray, centre: np.ndarray, radii: list[float],
                   area: int, lamp: np.ndarray) -> None:  # fmt: skip
    """Built-up material: golden bumps, single or in a heap, with a rough skin, a highlight and a contact shadow."""
    spread = 1.25 * np.sqrt(area / np.pi)
    view = window(centre, 3.2 * spread + 16, len(mask))
    warp = 1 + 0.2 * smooth_noise(rng, view.shape, 7) + 0.10 * smooth_noise(rng, view.shape, 3.5)
    reach = np.full(view.shape, -1e3, np.float32)
    for k, radius in enumerate(sorted(radii, reverse=True)):
        away = rng.normal(0, spread, 2) * (k > 0)
        turn, flat = rng.uniform(0, np.pi), rng.uniform(0.65, 1)
        dx, dy = view.x - centre[0] - away[0], view.y - centre[1] - away[1]
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        reach = np.maximum(reach, radius - np.hypot(u * np.sqrt(flat), v / np.sqrt(flat)) * warp)
    cover, depth = claim(surface, mask, view, reach, area, ATTACHED)
    cast_shadow(surface, view, cover, -2.2 * lamp, 1.3, 0.75)
    dome = np.minimum(depth, 7) * (2 - np.minimum(depth, 7) / 7) * rng.uniform(0.45, 0.75)
    lumps = (0.5 * smooth_noise(rng, view.shape, 4.5) + 0.22 * smooth_noise(rng, view.shape, 2)) * smoothstep(
        0, 2, depth
    )
    paint(surface, view, cover, height=surface.height[view.box].mean() + dome + lumps, albedo=brass(rng, view, depth),
          matte=0.5, gloss=rng.uniform(0.5, 1.0), tilt=0.3 * surface.tilt[(Ellipsis, *view.box)])  # fmt: skip


def brass(rng: Generator, view: Window, depth: np.ndarray) -> np.ndarray:
    """Golden to bronze, (h, w, 3): duller in its pits, darker at the rim, no two heaps alike."""
    tones = np.array([[0.98, 0.70, 0.24], [0.92, 0.62, 0.22], [0.86, 0.54, 0.20]], np.float32)
    tone = tones[rng.integers(len(tones))] * np.float32(rng.uniform(0.85, 1.1))
    pits = np.clip(0.92 + 0.16 * cloud(rng, view.shape, 5, 2), 0.5, 1.25) * (
        0.72 + 0.28 * smoothstep(0, 2.2, depth)
    )
    return tone * pits[..., None]


def jagged_path(rng: Generator, start: np.ndarray, heading: float, length: float) -> np.ndarray:
    """Corners of a fracture, (N, 2): it keeps its heading in the long run and breaks away from it at every step."""
    points, gone = [start], 0.0
    while gone < length:
        step = min(rng.uniform(3.5, 9), length - gone + 0.5)
        angle = heading + rng.normal(0, 0.55)
        heading += rng.normal(0, 0.10)
        points.append(points[-1] + step * np.array([np.cos(angle), np.sin(angle)]))
        gone += step
    return np.array(points, np.float32)


def line_reach(view: Window, points: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Half width at the nearest place of the line minus the distance to it, in pixels, (h, w)."""
    reach = np.full(view.shape, -1e3, np.float32)
    for a, b, wa, wb in zip(points, points[1:], widths, widths[1:], strict=False):
        d = b - a
        t = np.clip(((view.x - a[0]) * d[0] + (view.y - a[1]) * d[1]) / max(float(d @ d), 1e-6), 0, 1)
        away = np.hypot(view.x - a[0] - t * d[0], view.y - a[1] - t * d[1])
        reach = np.maximum(reach, (wa + (wb - wa) * t) / 2 - away)
    return reach


def crack(rng: Generator, surface: Surface, mask: np.ndarray, start: np.ndarray, heading: float, area: int,
          lamp: np.ndarray) -> None:  # fmt: skip
    """A fracture line: jagged, silver, uneven in width, with a dark lip on the side away from the lamp."""
    width = rng.uniform(2.8, 4.2)
    points = jagged_path(rng, start, heading, np.clip(area / width, 25, 125))
    lines = [(points, width)]
    if rng.random() < 0.4 and len(points) > 8:  # a shorter, thinner branch
        fork = int(rng.integers(len(points) // 3, 2 * len(points) // 3))
        turn = heading + rng.choice((-1, 1)) * rng.uniform(0.5, 1.1)
        lines.append((jagged_path(rng, points[fork], turn, 0.07 * area), 0.8 * width))
    corners = np.concatenate([line for line, _ in lines])
    middle = (corners.max(0) + corners.min(0)) / 2
    view = window(middle, float(np.ptp(corners, axis=0).max()) / 2 + 10, len(mask))
    reach = np.full(view.shape, -1e3, np.float32)
    for line, wide in lines:
        taper = np.minimum(1, 0.55 + np.arange(len(line))[::-1] / 5) * rng.uniform(0.75, 1.25, len(line))
        reach = np.maximum(reach, line_reach(view, line, wide * taper))
    reach += 0.25 * smooth_noise(rng, view.shape, 3)
    cover, depth = claim(surface, mask, view, reach, area, BROKEN)
    cast_shadow(surface, view, cover, -1.8 * lamp, 0.9, 0.8)
    silver(rng, surface, view, cover, depth, facets(rng, view, 9))


def chip(
    rng: Generator, surface: Surface, mask: np.ndarray, centre: np.ndarray, area: int, lamp: np.ndarray
) -> None:
    """Broken-out material: a ragged patch of bright facets, with a dark lip where the face ends above it."""
    radius = np.sqrt(area / np.pi)
    view = window(centre, 2.4 * radius + 10, len(mask))
    reach = np.full(view.shape, 1e3, np.float32)
    stretch, turn = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
    for angle in np.sort(rng.uniform(0, 2 * np.pi, rng.integers(6, 10))):
        side = radius * rng.uniform(0.75, 1.25) * (stretch + (1 - stretch) * abs(np.cos(angle - turn)))
        reach = np.minimum(
            reach, side - (view.x - centre[0]) * np.cos(angle) - (view.y - centre[1]) * np.sin(angle)
        )
    rough = 0.9 * smooth_noise(rng, view.shape, 9) + 0.45 * smooth_noise(rng, view.shape, 3.5)
    reach = np.minimum(reach, 1.6 * radius - np.hypot(view.x - centre[0], view.y - centre[1])) + rough
    cover, depth = claim(surface, mask, view, reach, area, BROKEN)
    cast_shadow(surface, view, cover, 1.6 * lamp, 0.9, 0.7)
    silver(rng, surface, view, cover, depth, facets(rng, view, max(5.0, radius * 0.55)))


def facets(rng: Generator, view: Window, size: float) -> np.ndarray:
    """Planes of a fracture, (3, h, w): the slope in x and y and the brightness of the nearest of random centres."""
    h, w = view.shape
    count = max(4, int(h * w / size**2))
    seeds = rng.uniform(0, 1, (count, 2)) * (w, h) + (view.x.min(), view.y.min())
    traits = np.column_stack([rng.normal(0, 0.35, (count, 2)), rng.uniform(0.8, 1.15, count)]).astype(np.float32)
    bent = [axis + 1.2 * smooth_noise(rng, view.shape, 5) for axis in (view.x, view.y)]
    away = (bent[0][..., None] - seeds[:, 0].astype(np.float32)) ** 2 + (
        bent[1][..., None] - seeds[:, 1].astype(np.float32)
    ) ** 2
    return np.moveaxis(traits[away.argmin(-1)], -1, 0)


def silver(rng: Generator, surface: Surface, view: Window, cover: np.ndarray, depth: np.ndarray,
           planes: np.ndarray) -> None:  # fmt: skip
    """Fresh fracture: brighter than any worn metal, each plane with a sheen of its own, sugar-grained."""
    grain = 1 + 0.07 * rng.standard_normal(view.shape, dtype=np.float32)
    rim = 1 + 0.25 * np.exp(-(depth**2) / 1.5)
    albedo = (planes[2] * grain * rim)[..., None] * np.array([1.22, 1.25, 1.28], np.float32)
    sunk = surface.height[view.box].mean() - np.minimum(depth, 4) * 0.15
    paint(surface, view, cover, height=sunk, albedo=albedo, matte=0.8, gloss=0.6, tilt=planes[:2])

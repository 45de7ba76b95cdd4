"""Class 1, attached: golden speckles of material that was cut and has welded itself to the part."""

import math

import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.light import Light
from mmseg_ext.rendering.noise import cloud, smooth_noise, smoothstep
from mmseg_ext.rendering.patches import Window, cast_shadow, claim, paint, window
from mmseg_ext.rendering.scene import Surface

LABEL = 1
BRASS = ((0.98, 0.70, 0.24), (0.92, 0.62, 0.22), (0.86, 0.54, 0.20))


def speckle_radii(rng: Generator, area: int) -> list[float]:
    """Radii in pixels, largest first, of blobs that cover ``area`` together."""
    radii, left = [], float(area)
    while left > 25 or not radii:
        radius = min(float(np.clip(rng.lognormal(math.log(5), 0.36), 2.8, 10)), math.sqrt(left / math.pi))
        radii.append(radius)
        left -= math.pi * radius**2
    return sorted(radii, reverse=True)


def heap(rng: Generator, view: Window, centre: np.ndarray, radii: list[float]) -> np.ndarray:
    """Reach of a heap: the largest speckle at ``centre``, the others about it, each a little out of round."""
    spread = 1.5 * math.hypot(*radii)
    ragged = 0.16 * smooth_noise(rng, view.shape, 7) + 0.08 * smooth_noise(rng, view.shape, 3.5)
    reach = np.full(view.shape, -np.inf, np.float32)
    for k, radius in enumerate(radii):
        away = rng.normal(0, spread, 2) if k else np.zeros(2)
        turn, flat = rng.uniform(0, math.pi), math.sqrt(rng.uniform(0.65, 1))
        dx, dy = view.x - float(centre[0] + away[0]), view.y - float(centre[1] + away[1])
        c, s = math.cos(turn), math.sin(turn)
        far = np.hypot((dx * c + dy * s) * flat, (dy * c - dx * s) / flat)
        reach = np.maximum(reach, radius * (1 + ragged) - far)
    return reach


def attach(
    rng: Generator, surface: Surface, mask: np.ndarray, centre: np.ndarray, area: int, light: Light
) -> None:
    """Draw a heap of ``area`` pixels: bumps with a rough skin, highlights and a contact shadow."""
    radii = speckle_radii(rng, area)
    view = window(centre, 4 * math.sqrt(area / math.pi) + 16)
    cover, depth = claim(surface, mask, view, heap(rng, view, centre, radii), area, LABEL)
    cast_shadow(surface, view, cover, -2.2 * light.side, soft=1.3, strength=0.75)
    rise = np.minimum(depth, 7)
    dome = rise * (2 - rise / 7) * rng.uniform(0.45, 0.75)
    skin = 0.5 * smooth_noise(rng, view.shape, 4.5) + 0.22 * smooth_noise(rng, view.shape, 2)
    bump = float(surface.height[view.box].mean()) + dome + skin * smoothstep(0, 2, depth)
    paint(surface, view, cover, height=bump, albedo=brass(rng, view, depth),
          matte=0.5, gloss=rng.uniform(0.5, 1.0), tilt=0.3 * surface.tilt[(Ellipsis, *view.box)])  # fmt: skip


def brass(rng: Generator, view: Window, depth: np.ndarray) -> np.ndarray:
    """Golden to bronze, (h, w, 3): duller in its pits and at the rim, no two heaps alike."""
    tone = np.array(BRASS[rng.integers(len(BRASS))], np.float32) * rng.uniform(0.85, 1.1)
    tone += (tone.mean() - tone) * rng.uniform(0, 0.35)  # tarnish
    pits = np.clip(0.92 + 0.16 * cloud(rng, view.shape, 5, 2), 0.5, 1.25)
    return tone * (pits * (0.72 + 0.28 * smoothstep(0, 2.2, depth)))[..., None]

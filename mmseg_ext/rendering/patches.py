"""Drawing a defect into a surface and its mask.

A defect is a field ``reach`` in pixels, largest in its middle. The level set that holds the planned number of
pixels becomes the mask, so areas are right by construction; the soft step around that level is what gets painted.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from mmseg_ext.rendering.scene import SIZE, Surface

CRUMB = 12  # pixels: a loose part smaller than this would be neither seen nor learnt, and is not drawn


@dataclass
class Window:
    """A part of the picture: its slices, and the coordinates of its pixels, (h, w) each."""

    box: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape


def window(centre: np.ndarray, half: float) -> Window:
    """The window of ``half`` pixels to every side of ``centre`` (x, y), cut at the picture's border."""
    (left, top), (right, bottom) = (np.clip(np.floor(centre + k * half), 0, SIZE).astype(int) for k in (-1, 1))
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    return Window((slice(top, bottom), slice(left, right)), x, y)


def level_of(reach: np.ndarray, area: int) -> float:
    """The level at and above which ``area`` pixels of ``reach`` lie (all finite ones where there are fewer)."""
    values = reach[np.isfinite(reach)]
    area = min(area, values.size)
    return float(np.partition(values, values.size - area)[values.size - area]) if area else np.inf


def without_crumbs(reach: np.ndarray, area: int) -> np.ndarray:
    """``reach`` without loose parts under CRUMB pixels; raising the rest makes new ones, hence the rounds."""
    reach = reach.copy()
    for _ in range(4):
        _, parts, stats, _ = cv2.connectedComponentsWithStats((reach >= level_of(reach, area)).astype(np.uint8))
        small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < min(CRUMB, area))
        if not small.size:
            break
        reach[np.isin(parts, small)] = -np.inf
    return reach


def claim(
    surface: Surface, mask: np.ndarray, view: Window, reach: np.ndarray, area: int, label: int
) -> tuple[np.ndarray, np.ndarray]:
    """Write the label; return what to paint: soft coverage 0..1, and depth in pixels from the outline inwards."""
    free = (mask[view.box] == 0) & (surface.inside[view.box] > 1 - surface.flank)
    reach = without_crumbs(np.where(free, reach, -np.inf).astype(np.float32), area)
    depth = reach - level_of(reach, area)
    mask[view.box][depth >= 0] = label
    return np.clip(depth + 0.5, 0, 1), np.maximum(depth, 0)


def cast_shadow(
    surface: Surface, view: Window, cover: np.ndarray, offset: np.ndarray, soft: float, strength: float
) -> None:
    """Darken what lies ``offset`` pixels (x, y) away, and a rim all around, where light hardly gets in."""
    move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
    cast = cv2.GaussianBlur(cv2.warpAffine(cover, move, cover.shape[::-1]), (0, 0), soft)
    rim = cv2.GaussianBlur(cover, (0, 0), 1.6)
    dark = strength * np.maximum(cast, 0.6 * rim) * (1 - cover)
    surface.shadow[view.box] *= 1 - np.clip(dark, 0, 0.9)


def paint(surface: Surface, view: Window, cover: np.ndarray, **layers: np.ndarray | float) -> None:
    """Replace layers of the surface by new ones where ``cover`` is 1, blending at the rim."""
    for name, value in layers.items():
        layer = getattr(surface, name)
        part = layer[(Ellipsis, *view.box)] if name == 'tilt' else layer[view.box]
        part += (value - part) * (cover[..., None] if name == 'albedo' else cover)

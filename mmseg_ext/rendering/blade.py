"""One picture and its mask from a random stream and a budget of defect pixels."""

import math

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.attached import attach
from mmseg_ext.rendering.broken import chip, crack
from mmseg_ext.rendering.camera import photograph
from mmseg_ext.rendering.distractors import add_distractors
from mmseg_ext.rendering.light import Light, make_light, shade
from mmseg_ext.rendering.scene import SIZE, Surface, make_surface

SHARP = 1.2  # blur in pixels up to which a defect can be labelled with confidence
MARGIN = 16  # least distance in pixels of a defect's middle from the picture's border
DIM = 1.15  # times the face's median: where metal is brighter, a silver line would drown


def render(rng: Generator, attached: int, broken: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture (512, 512, 3) uint8, red first, and mask (512, 512) uint8 with so many pixels of classes 1 and 2."""
    surface, light = make_surface(rng), make_light(rng)
    add_distractors(rng, surface)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    if broken:
        add_broken(rng, surface, mask, broken, light)
    if attached:
        add_attached(rng, surface, mask, attached, light)
    return photograph(rng, shade(surface, light), surface), mask


def add_broken(rng: Generator, surface: Surface, mask: np.ndarray, area: int, light: Light) -> None:
    """Spend the budget on fracture lines and chips, most of them at the edge where one is in view."""
    metal, dim = metal_level(surface, light)
    for part in split_area(rng, area, 150, 420):
        at_edge = in_view(surface) and rng.random() < 0.75
        spot = find_spot(rng, surface, mask, (1, 9) if at_edge else (25, math.inf), math.sqrt(part), dim)
        level = rng.uniform(2.1, 2.9) * metal
        if part >= 150 and rng.random() < (0.55 if at_edge else 0.15):
            chip(rng, surface, mask, spot, part, light, level)
        else:
            crack(rng, surface, mask, spot, crack_heading(rng, surface, spot, at_edge), part, light, level)


def metal_level(surface: Surface, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """Brightness of the metal about every pixel, without its extremes, and where a silver line would be seen."""
    lit = cv2.GaussianBlur(shade(surface, light).mean(-1), (0, 0), 6)
    usual = float(np.median(lit[surface.inside > 0]))
    return np.clip(lit, 0.75 * usual, 1.7 * usual), lit < DIM * usual


def add_attached(rng: Generator, surface: Surface, mask: np.ndarray, area: int, light: Light) -> None:
    """Spend the budget on heaps of speckles, most of them near the edge, where chips weld on."""
    anywhere = np.ones_like(mask, bool)
    for part in split_area(rng, area, 40, 620):
        near = in_view(surface) and rng.random() < 0.6
        band = (4, 90) if near else (8, math.inf)
        spot = find_spot(rng, surface, mask, band, 1.5 * math.sqrt(part), anywhere)
        attach(rng, surface, mask, spot, part, light)


def in_view(surface: Surface) -> bool:
    """True if enough of the edge crosses the picture to place something on it."""
    return bool((np.abs(surface.inside[MARGIN:-MARGIN, MARGIN:-MARGIN]) < 3).sum() > 100)


def crack_heading(rng: Generator, surface: Surface, spot: np.ndarray, at_edge: bool) -> float:
    """From the edge a crack runs into the face; elsewhere towards the middle, so that it stays in the picture."""
    if at_edge:
        nx, ny = surface.normal[:, int(spot[1]), int(spot[0])].tolist()
        return math.atan2(ny, nx) + rng.normal(0, 0.5)
    return math.atan2(SIZE / 2 - spot[1], SIZE / 2 - spot[0]) + rng.normal(0, 0.7)


def split_area(rng: Generator, area: int, least: int, most: int) -> list[int]:
    """Cut ``area`` into parts of ``least`` to ``most`` pixels; the last one takes up what would be too little."""
    parts = []
    while area > 0:
        part = min(area, int(rng.uniform(least, most)))
        parts.append(area if area - part < least else part)
        area -= parts[-1]
    return parts


def find_spot(
    rng: Generator, surface: Surface, mask: np.ndarray, band: tuple[float, float], room: float, allowed: np.ndarray
) -> np.ndarray:
    """A place (x, y) in focus, within ``band`` pixels of the edge, ``room`` pixels away from other defects."""
    border = np.zeros((SIZE, SIZE), bool)
    margin = int(MARGIN + min(room, 40) / 2)
    border[margin:-margin, margin:-margin] = True
    away = border & (cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 3) > room)
    good = away & (surface.defocus < SHARP) & allowed
    face = surface.inside > 4
    # The first that leaves some place; focus and the distance to the edge are wishes, to stay on the face is not.
    for place in (good & (surface.inside > band[0]) & (surface.inside < band[1]), good & face, away & face, face):
        if place.any():
            y, x = divmod(int(rng.choice(np.flatnonzero(place))), SIZE)
            return np.array([x, y], float)
    raise RuntimeError('a picture without any face: make_surface must leave some')

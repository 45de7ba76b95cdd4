"""One picture and its mask from a random stream and a budget of defect pixels."""

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.camera import photograph
from mmseg_ext.rendering.defects import attach_cluster, chip, crack, speckle_radii
from mmseg_ext.rendering.distractors import add_distractors
from mmseg_ext.rendering.light import make_light, shade
from mmseg_ext.rendering.scene import SIZE, Surface, make_surface

SHARP = 1.3  # blur in pixels up to which a defect is labelled with confidence
MARGIN = 14  # pixels kept between a defect's middle and the picture's border


def render(rng: Generator, attached: int, broken: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture (512, 512, 3) uint8, red first, and mask (512, 512) uint8 with so many pixels of classes 1 and 2."""
    surface, light = make_surface(rng), make_light(rng)
    add_distractors(rng, surface)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    lamp = light.key[:2] / max(float(np.hypot(*light.key[:2])), 1e-3)
    if broken:
        add_broken(rng, surface, mask, broken, lamp)
    if attached:
        add_attached(rng, surface, mask, attached, lamp)
    return photograph(rng, shade(surface, light), surface), mask


def add_broken(rng: Generator, surface: Surface, mask: np.ndarray, area: int, lamp: np.ndarray) -> None:
    """Spend the budget on fracture lines and, where the edge is in view, chips out of it."""
    for part in split_area(rng, area, 150, 420):
        at_edge = in_view(surface) and rng.random() < 0.75
        spot = find_spot(rng, surface, mask, (-2, 12) if at_edge else (25, 1e4), np.sqrt(part))
        if part >= 150 and rng.random() < (0.55 if at_edge else 0.2):
            chip(rng, surface, mask, spot, part, lamp)
            continue
        inwards = surface.normal[:, int(spot[1]), int(spot[0])]
        heading = np.arctan2(inwards[1], inwards[0]) + rng.normal(0, 0.5) if at_edge else towards_middle(rng, spot)
        crack(rng, surface, mask, spot, heading, part, lamp)


def add_attached(rng: Generator, surface: Surface, mask: np.ndarray, area: int, lamp: np.ndarray) -> None:
    """Spend the budget on heaps of speckles, most of them near the edge, where chips weld on."""
    for part in split_area(rng, area, 40, 620):
        near = in_view(surface) and rng.random() < 0.6
        spot = find_spot(rng, surface, mask, (4, 90) if near else (8, 1e4), 1.5 * np.sqrt(part))
        attach_cluster(rng, surface, mask, spot, speckle_radii(rng, part), part, lamp)


def in_view(surface: Surface) -> bool:
    return bool((np.abs(surface.inside[MARGIN:-MARGIN, MARGIN:-MARGIN]) < 3).sum() > 100)


def towards_middle(rng: Generator, spot: np.ndarray) -> float:
    """Heading that keeps a line inside the picture."""
    to_middle = np.arctan2(*(SIZE / 2 - spot)[::-1])
    return float(to_middle + rng.normal(0, 0.7))


def split_area(rng: Generator, area: int, least: int, most: int) -> list[int]:
    """Cut ``area`` into parts of at least ``least`` (the last may hold the rest) and at most ``most`` pixels."""
    parts = []
    while area > 0:
        part = min(area, int(rng.uniform(least, most)))
        if area - part < least:
            part = area
        parts.append(part)
        area -= part
    return parts


def find_spot(
    rng: Generator, surface: Surface, mask: np.ndarray, band: tuple[float, float], room: float
) -> np.ndarray:
    """A place (x, y) in focus, within ``band`` pixels of the edge, ``room`` pixels away from other defects."""
    border = np.zeros((SIZE, SIZE), bool)
    margin = int(MARGIN + min(room, 40) / 2)
    border[margin:-margin, margin:-margin] = True
    away = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 3) > room
    sharp = surface.defocus < SHARP
    near = (surface.inside > band[0]) & (surface.inside < band[1])
    on_face = surface.inside > 4
    # Wishes are dropped from the last to the first until some place is left; the border always stays.
    for place in (border & away & near & sharp, border & away & sharp & on_face, border & away & on_face, border):
        if place.any():
            y, x = np.unravel_index(rng.choice(np.flatnonzero(place)), place.shape)
            return np.array([x, y], np.float32)
    return np.full(2, SIZE / 2, np.float32)

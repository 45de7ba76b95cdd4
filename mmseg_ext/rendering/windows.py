"""Windows of a blade as an editor sees them: a defect in the middle third, its surroundings, and mostly a word.

A blade is drawn once, with a defect in the middle of each cell of a grid, and cut along the grid: its light,
camera and metal are those of the demo set, at the cost of one picture for up to sixteen windows.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmseg_ext.rendering.attached import attach
from mmseg_ext.rendering.blade import SHARP, metal_level
from mmseg_ext.rendering.broken import chip, crack
from mmseg_ext.rendering.camera import photograph
from mmseg_ext.rendering.captions import CLEAN, draw_kind, draw_noun, draw_word
from mmseg_ext.rendering.distractors import add_distractors
from mmseg_ext.rendering.light import Light, make_light, shade
from mmseg_ext.rendering.scene import SIZE, Surface, make_surface
from mmseg_ext.rendering.words import add_word

SIDES = {128: 0.72, 170: 0.22, 256: 0.06}  # of a cell in pixels: a larger defect is seen from farther away
FACE = 0.5  # least share of a cell that the part fills
REACH = 0.15  # of a cell: how far from its middle a defect may lie


@dataclass
class WordWindow:
    """A window, (size, size) each: picture (three channels, red first), classes, where the word lies (bool)."""

    image: np.ndarray
    label: np.ndarray
    region: np.ndarray
    noun: str
    word: str | None


Cell = tuple[slice, slice]


def draw_windows(key: tuple[int, int], size: int) -> list[WordWindow]:
    """All windows of one blade, whose random stream is ``key``; none where the part fills too little of each."""
    rng = np.random.default_rng(key)
    surface, light = make_surface(rng), make_light(rng)
    add_distractors(rng, surface)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    side = int(rng.choice(list(SIDES), p=list(SIDES.values())))
    kinds = furnish(rng, surface, mask, side, light)
    image = photograph(rng, shade(surface, light), surface)
    shown = [(cell, kind) for cell, kind in kinds if is_central(mask[cell], kind)]
    return [dressed(rng, image[cell], mask[cell], kind, size, light.key) for cell, kind in shown]


def is_central(label: np.ndarray, kind: str) -> bool:
    """True if what is labelled has its middle in the middle third, or if nothing is and nothing should be."""
    if kind == CLEAN or not label.any():
        return kind == CLEAN and not label.any()
    middle = [(found.min() + found.max()) / 2 for found in np.nonzero(label)]
    return all(len(label) / 3 <= place <= 2 * len(label) / 3 for place in middle)


def furnish(rng: Generator, surface: Surface, mask: np.ndarray, side: int, light: Light) -> list[tuple[Cell, str]]:
    """Draw a defect, or none, into every cell that shows enough of the part; the cells and what they hold."""
    metal, dim = metal_level(surface, light)
    sharp = surface.defocus < SHARP
    kinds = []
    for top, left in np.ndindex(SIZE // side, SIZE // side):
        cell = tuple(slice(k * side, (k + 1) * side) for k in (top, left))
        if (surface.inside[cell] > -surface.flank).mean() < FACE:
            continue
        kind = draw_kind(rng)
        place = spot(rng, surface, cell, sharp if kind in ('deposit', CLEAN) else sharp & dim, kind)
        if place is not None:
            kinds.append((cell, draw_defect(rng, surface, mask, place, kind, side, light, metal)))
    return kinds


def spot(rng: Generator, surface: Surface, cell: Cell, seen: np.ndarray, kind: str) -> np.ndarray | None:
    """A place (x, y) on the face in the middle of a cell and ``seen``, for chips at the edge if there is one."""
    rows, columns = (slice(*(int((s.start + s.stop) / 2 + k * REACH * (s.stop - s.start)) for k in (-1, 1)))
                     for s in cell)  # fmt: skip
    inside = surface.inside[rows, columns]
    edge = (inside > 2) & (inside < 9)
    good = edge if kind == 'chip' and edge.any() else (inside > 6) & seen[rows, columns]
    if not good.any():
        return None
    y, x = np.argwhere(good)[rng.integers(good.sum())]
    return np.array([x + columns.start, y + rows.start], float)


def draw_defect(
    rng: Generator, surface: Surface, mask: np.ndarray, place: np.ndarray, kind: str, side: int, light: Light,
    metal: np.ndarray,
) -> str:  # fmt: skip
    """Draw one defect into a cell of ``side`` pixels; what it is, since in the midst of a face nothing chips."""
    level = rng.uniform(2.1, 2.9) * metal
    within = surface.inside[int(place[1]), int(place[0])] > 9
    if kind == 'chip' and within and not surface.flank:
        kind = 'crack'
    if kind == 'deposit':
        attach(rng, surface, mask, place, disc_area(rng, side, 0.04, 0.085), light)
    elif kind == 'chip':
        chip(rng, surface, mask, place, disc_area(rng, side, 0.055, 0.09), light, level)
    elif kind == 'crack':
        length, heading = side * rng.uniform(0.28, 0.36), rng.uniform(0, 2 * math.pi)
        start = place - length / 2 * np.array([math.cos(heading), math.sin(heading)])
        crack(rng, surface, mask, start, heading, int(3.1 * length), light, level)
    return kind


def disc_area(rng: Generator, side: int, least: float, most: float) -> int:
    """Pixels of a disc whose radius is ``least`` to ``most`` of the side of its cell."""
    return round(math.pi * (side * rng.uniform(least, most)) ** 2)


def dressed(
    rng: Generator, image: np.ndarray, label: np.ndarray, kind: str, size: int, key: tuple[float, float, float]
) -> WordWindow:
    """A cell at the wanted size, with a word around its defect or none."""
    how = cv2.INTER_AREA if size <= len(image) else cv2.INTER_CUBIC
    image = cv2.resize(image, (size, size), interpolation=how)
    label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST)
    noun, word, region = draw_noun(rng, kind), draw_word(rng), np.zeros(label.shape, bool)
    if word:
        image, region = add_word(image, label, word, rng, key)
    return WordWindow(image, label, region, noun, word if region.any() else None)

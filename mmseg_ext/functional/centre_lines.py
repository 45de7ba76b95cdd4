"""Length and width of what is a line, such as a crack, from a mask of its pixels."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from mmseg_ext.functional.components import EIGHT_NEIGHBOURS, bounding_box
from mmseg_ext.functional.disk import disk_maximum
from mmseg_ext.functional.pixel_graph import PixelGraph, prune_spurs, smooth_places, step_lengths
from mmseg_ext.functional.thinning import thin

SMOOTHING = 2  # rounds: with none, stairs make lines 5 % too long; with many, tight bends become too short
HOLE = 7  # pixels of the largest hole that is filled: one of 8 may have another region in its middle


class CentreLines(NamedTuple):
    """One entry a connected region (8 neighbours), in the order of their first pixels, row by row. In pixels."""

    length: np.ndarray
    mean_width: np.ndarray
    max_width: np.ndarray


def measure_lines(mask: np.ndarray) -> CentreLines:
    """Length, mean and largest width of every connected region of a mask (H, W) bool.

    length      of the centre line: the thinned mask (Guo and Hall 1989) without its spurs, as the sum of its
                steps, 1 to a neighbour beside and √2 to one across, after the stairs of slanting lines have been
                smoothed; at each free end it goes on to the border of the mask. All branches and rings count.
    mean_width  area / length, at most the largest width. It keeps what jagged borders take away from the distance
                to the border.
    max_width   of the largest disk on the centre line, leaving out what lies within the disk of a junction, where
                two lines together are wider than either.

    Exact for bars along rows and columns that are at least as long as wide. A diagonal line of n single pixels is
    (n - 1) √2 + 1 long, with a mean width of about 0.7 and a largest one of 1. What to expect otherwise, see the
    tests: the length of bars at any angle within 2 % and half a width, of rings from 10 pixels of radius within
    3 %; their mean width within 0.3 pixels plus 3 %, their largest width within 0.8. A border that is jagged by a
    pixel adds some percent to the length and 1 to 2 pixels to the largest width. Holes of up to 7 pixels are
    filled; round a larger one the line runs on both sides. What lies outside of the image is background. A spot,
    as wide as long, has its diameter for its length. A mirrored mask may give a slightly other length, as thinning
    begins at one side.
    """
    mask = _without_specks(mask[bounding_box(mask)])
    ids, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
    pixels = np.argwhere(thin(mask))
    graph, half_width = prune_spurs(pixels, half_widths(mask, pixels))
    line = ids[tuple(graph.pixels.T)] - 1
    steps = step_lengths(graph, smooth_places(graph, SMOOTHING))
    ends = half_width * (2 - graph.degree).clip(0)
    length = np.bincount(line[graph.links[:, 0]], steps, count) + np.bincount(line, ends, count)
    area, widest = np.bincount(ids[mask], minlength=count + 1)[1:], _widest(graph, half_width, line, count)
    return CentreLines(length, np.minimum(area / length, widest), widest)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) bool with its holes of at most HOLE pixels filled, round which the line would run."""
    ids, _ = ndimage.label(~np.pad(mask, 1))
    small = np.bincount(ids.reshape(-1)) <= HOLE
    return mask | small[ids[1:-1, 1:-1]]


def half_widths(mask: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(N,) half of the width of a mask (H, W) bool at ``pixels`` (N, 2) of its centre line.

    The distance to the nearest pixel of the background, less the half of it that lies before its centre. The
    middle of an even width lies between two pixels: so each pixel is asked at its centre, its corners and the
    middles of its sides, and the background too has places between its pixels.
    """
    padded = np.pad(mask, 1)
    ring = disk_maximum(padded.view(np.uint8), 1.5).view(bool) & ~padded
    beside, below = np.argwhere(ring[:, 1:] & ring[:, :-1]), np.argwhere(ring[1:] & ring[:-1])
    if not len(pixels):
        return np.zeros(0)
    between = beside + np.array([0, 0.5]), below + np.array([0.5, 0])
    background = KDTree(np.concatenate([np.argwhere(ring), *between]))
    places = (pixels + 1)[:, None] + (np.indices((3, 3)).reshape(2, -1).T - 1) / 2
    return background.query(places)[0].max(1) - 0.5


def _widest(graph: PixelGraph, half_width: np.ndarray, line: np.ndarray, count: int) -> np.ndarray:
    """(count,) the largest width of each line away from its junctions, or of all of it where nothing is away."""
    junctions = np.flatnonzero(graph.degree > 2)
    away = np.ones(len(line), bool)
    if len(junctions):
        distance, nearest = KDTree(graph.pixels[junctions]).query(graph.pixels)
        away = distance > half_width[junctions[nearest]]
    anywhere, clear = np.zeros((2, count))
    np.maximum.at(anywhere, line, 2 * half_width)
    np.maximum.at(clear, line[away], 2 * half_width[away])
    return np.where(clear > 0, clear, anywhere)

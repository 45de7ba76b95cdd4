"""Lines of one pixel as a graph: the pixels are its nodes, steps to a neighbour its links."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


class PixelGraph(NamedTuple):
    """N pixels, sorted row by row, and the L steps between neighbours. A pixel of degree 1 is the end of a line,
    one of degree 3 or more a junction."""

    pixels: np.ndarray  # (N, 2): row, column
    links: np.ndarray  # (L, 2): numbers of the two pixels
    degree: np.ndarray  # (N,): links of each pixel


def build_graph(pixels: np.ndarray) -> PixelGraph:
    """The graph of ``pixels`` (N, 2), sorted row by row, with their 8 neighbours.

    A diagonal step is none where a third pixel lies in the corner between the two: the way leads through that
    one, so that a corner is counted once.
    """
    stride = int(pixels[:, 1].max(initial=0)) + 3  # room between two rows, so that none touches the next one
    key = pixels[:, 0] * stride + pixels[:, 1]
    steps = (1, -1, stride, stride + 1, stride - 1)
    east, west, south, south_east, south_west = (_numbers(key, key + step) for step in steps)
    south_east[(south >= 0) | (east >= 0)] = -1
    south_west[(south >= 0) | (west >= 0)] = -1
    others = np.concatenate([east, south, south_east, south_west])
    links = np.stack([np.tile(np.arange(len(key)), 4), others], 1)[others >= 0]
    return PixelGraph(pixels, links, np.bincount(links.reshape(-1), minlength=len(key)))


def _numbers(sorted_keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted key stands among the sorted ones; -1 for one that is not there."""
    at = np.searchsorted(sorted_keys, wanted).clip(max=max(len(sorted_keys) - 1, 0))
    return np.where(sorted_keys[at] == wanted, at, -1) if len(sorted_keys) else at


def step_lengths(graph: PixelGraph, places: np.ndarray) -> np.ndarray:
    """(L,) length of each step when pixel k lies at ``places[k]``, (N, 2)."""
    first, second = graph.links.T
    return np.hypot(*(places[first] - places[second]).T)


def smooth_places(graph: PixelGraph, rounds: int) -> np.ndarray:
    """Places (N, 2) of the pixels on lines that run straight where the pixels run in stairs.

    In each round every pixel of two links moves to the mean of itself and the middle of its two neighbours. Ends
    and junctions stay, and so does every pixel of a line at 0, 45 or 90 degrees. No pixel leaves its square of
    side 1, through which the line passes: that keeps the smallest rings from shrinking to a point.
    """
    size = len(graph.pixels)
    half = coo_matrix((np.ones(len(graph.links)), graph.links.T), (size, size)).tocsr()
    inner = graph.degree == 2
    places = graph.pixels.astype(np.float64)
    for _ in range(rounds):
        places[inner] = (places / 2 + (half + half.T) @ places / 4)[inner]
    return places.clip(graph.pixels - 0.5, graph.pixels + 0.5)


def prune_spurs(pixels: np.ndarray, half_width: np.ndarray) -> tuple[PixelGraph, np.ndarray]:
    """The graph of ``pixels`` without its spurs, and the half width (N,) of each pixel that is left.

    A branch with a free end is a spur when, from its junction to the border of the mask at its tip, it is shorter
    than one and a half times the junction's width, so that it sticks out of the crack by less than the crack's
    own width. Where that holds for all branches of a junction, as in a short and thick piece of a crack, the two
    longest stay unless they are shorter than the width itself, as in a spot. All spurs go at once, and again until
    there are none, for a spur may have spurs.
    """
    while True:
        graph = build_graph(pixels)
        spurs = _spur_pixels(graph, half_width)
        if not spurs.any():
            return graph, half_width
        pixels, half_width = pixels[~spurs], half_width[~spurs]


def _spur_pixels(graph: PixelGraph, half_width: np.ndarray) -> np.ndarray:
    """(N,) bool: the pixels of all branches that are spurs, without their junctions."""
    size = len(graph.pixels)
    junction = graph.degree > 2
    first, second = graph.links.T
    leaving = junction[first] != junction[second]
    part = _parts(size, graph.links[~leaving])  # each branch, and each junction of one or more pixels, is a part
    root, foot = (np.where(junction[first] == at, first, second)[leaving] for at in (True, False))
    step, tip = step_lengths(graph, graph.pixels), graph.degree == 1
    inside = ~(junction[first] | junction[second])
    reach = np.bincount(part[first[inside]], step[inside], size) + np.bincount(part[foot], step[leaving], size)
    reach += np.bincount(part[tip], half_width[tip], size)
    # A branch that leaves one junction once is a line with a free end.
    free = (np.bincount(part[foot], minlength=size) == 1)[part[foot]]
    spur = np.zeros(size, bool)
    spur[part[foot]] = _are_spurs(part[root], reach[part[foot]], 2 * half_width[root], free)
    return spur[part]


def _parts(size: int, links: np.ndarray) -> np.ndarray:
    """(size,) the number of the connected part that each pixel belongs to."""
    matrix = coo_matrix((np.ones(len(links), bool), links.T), (size, size))
    return connected_components(matrix, directed=False)[1] if size else np.zeros(0, np.int64)


def _are_spurs(junction: np.ndarray, reach: np.ndarray, width: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(B,) bool for branches of which ``junction``, ``reach`` and ``width`` of the junction are known."""
    length = np.where(free, reach, np.inf)
    order = np.lexsort((-length, junction))
    first = np.searchsorted(junction[order], junction[order])
    rank, longest = np.empty(len(order), np.int64), np.empty(len(order))
    rank[order], longest[order] = np.arange(len(order)) - first, length[order][first]
    goes_on = (rank < 2) & (longest < 1.5 * width)
    return (length < width) | ((length < 1.5 * width) & ~goes_on)

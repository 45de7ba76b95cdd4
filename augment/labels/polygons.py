"""Masks as polygons and back, without losing or adding a pixel.

Points are (x, y) with the corner of the top left pixel at (0, 0), so the centre of pixel (row, column) is
(column + 0.5, row + 0.5). A pixel belongs to a polygon that its centre lies in, by the even-odd rule.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

Point = tuple[float, float]
CROSS, SQUARE = ndimage.generate_binary_structure(2, 1), ndimage.generate_binary_structure(2, 2)
_RIGHT, _DOWN, _LEFT, _UP = (1, 0), (0, 1), (-1, 0), (0, -1)
# A pixel whose neighbour (row, column) that way is outside: where its side begins (x, y), and the way along it.
_SIDES = (
    ((-1, 0), (0, 0), _RIGHT),
    ((0, 1), (1, 0), _DOWN),
    ((1, 0), (1, 1), _LEFT),
    ((0, -1), (0, 1), _UP),
)
_ROUNDING = 1e-9  # a centre so near to a side counts as on it


def outline(mask: np.ndarray, corners_touch: bool = True) -> np.ndarray:
    """The closed border of a mask (H, W) bool in one part and without holes: its corners, (N, 2) int, clockwise.

    Says ``corners_touch`` that pixels meeting at a corner are one part, the border passes there twice.
    """
    steps = _border_steps(mask)
    start = min(steps, key=lambda point: (point[1], point[0]))
    corners, point, heading = [], start, _UP
    while not corners or point != start:
        step = _next_step(steps[point], heading, turn_left=corners_touch)
        if step != heading:
            corners.append(point)
        steps[point].remove(step)
        point, heading = (point[0] + step[0], point[1] + step[1]), step
    return np.array(corners)


def _border_steps(mask: np.ndarray) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """From each corner of a pixel the steps along the border, the mask on the right-hand side."""
    padded = np.pad(mask, 1)
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for (down, right), (x, y), step in _SIDES:
        sides = padded & ~np.roll(padded, (-down, -right), (0, 1))
        for row, column in np.argwhere(sides).tolist():
            steps.setdefault((column - 1 + x, row - 1 + y), []).append(step)
    return steps


def _next_step(choices: Sequence[tuple[int, int]], heading: tuple[int, int], turn_left: bool) -> tuple[int, int]:
    """Where two pixels meet at a corner, left leads on to the other pixel, right stays with this one."""
    left = (heading[1], -heading[0])
    return choices[0] if len(choices) == 1 or (choices[0] == left) == turn_left else choices[1]


def simplified(corners: np.ndarray) -> np.ndarray:
    """A border as a polygon, (N, 2), with as few corners as give back the same pixels; stairs become lines.

    It starts from the corners, or from the middles of what joins them, whichever leads further.
    """
    ahead = np.sign(np.roll(corners, -1, axis=0) - corners) / 2
    middles = np.stack([corners + ahead, np.roll(corners, -1, axis=0) - ahead], axis=1).reshape(-1, 2)
    return min(_reduced(corners), _reduced(middles), key=len)


def _reduced(corners: np.ndarray) -> np.ndarray:
    """The polygon without the corners that it can do without.

    Under the even-odd rule, leaving out a corner changes only what lies in the triangle of it and its neighbours:
    it goes where no centre of a pixel does.
    """
    points = [tuple(point) for point in corners.tolist()]
    index, kept_in_a_row = 0, 0
    while len(points) > 3 and kept_in_a_row < len(points):
        if _holds_no_centre(*(points[(index + shift) % len(points)] for shift in (-1, 0, 1))):
            del points[index % len(points)]
            # The neighbours have new triangles: look at the one before again.
            index, kept_in_a_row = (index - 1) % len(points), 0
        else:
            index, kept_in_a_row = (index + 1) % len(points), kept_in_a_row + 1
    return np.array(points)


def _holds_no_centre(*triangle: Point) -> bool:
    """Whether no centre of a pixel lies in or on the triangle, row by row."""
    low, middle, high = sorted(triangle, key=lambda point: point[1])
    for number in range(math.ceil(low[1] - 0.5), math.floor(high[1] - 0.5) + 1):
        row = number + 0.5
        bent = (low, middle) if row < middle[1] else (middle, high)
        sides = _crossing(row, *bent), _crossing(row, low, high)
        if math.ceil(min(sides) - 0.5 - _ROUNDING) <= math.floor(max(sides) - 0.5 + _ROUNDING):
            return False
    return True


def _crossing(row: float, start: Point, end: Point) -> float:
    """Where the line from ``start`` to ``end`` crosses a row; at the start where it runs along it."""
    return start[0] + (row - start[1]) * (end[0] - start[0]) / ((end[1] - start[1]) or 1)


def filled(polygon: Sequence[Sequence[float]], shape: tuple[int, int]) -> np.ndarray:
    """The pixels (H, W) bool of ``shape`` whose centre is inside; the polygon may leave the picture."""
    height, width = shape
    flips = np.zeros((height, width + 1), bool)
    points = np.asarray(polygon, float)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in sorted((y0, y1)))
        rows = np.arange(first, last)
        if len(rows):
            crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            flips[rows, np.clip(np.ceil(crossings - 0.5), 0, width).astype(int)] ^= True
    return np.logical_xor.accumulate(flips, axis=1)[:, :width]


def layers(label: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Values and polygons that, painted over a ground of 0 one after the other, give back ``label`` (H, W) uint8.

    Each is a connected part with its holes filled, large ones first; a hole is covered by what lies in it, be it a
    polygon of 0. Pixels that meet at a corner are one part where this is unambiguous: not where two values cross.
    """
    for corners_touch in (True, False):
        painted = _layers(label, corners_touch)
        if np.array_equal(paint(painted, label.shape), label):
            break
    return painted


def paint(layers: Sequence[tuple[int, Sequence]], shape: tuple[int, int]) -> np.ndarray:
    """The label (H, W) uint8 of values and polygons, later ones on top."""
    label = np.zeros(shape, np.uint8)
    for value, polygon in layers:
        label[filled(polygon, shape)] = value
    return label


def _layers(label: np.ndarray, corners_touch: bool) -> list[tuple[int, np.ndarray]]:
    found = []
    for value in np.unique(label):
        joins = SQUARE if corners_touch and value else CROSS
        numbers, _ = ndimage.label(label == value, joins)
        for number, box in enumerate(ndimage.find_objects(numbers), start=1):
            if value or _is_enclosed(box, label.shape):
                part = ndimage.binary_fill_holes(numbers[box] == number, CROSS if joins is SQUARE else SQUARE)
                corners = simplified(outline(part, joins is SQUARE))
                found.append((int(part.sum()), int(value), np.add(corners, (box[1].start, box[0].start))))
    return [(value, polygon) for _, value, polygon in sorted(found, key=lambda layer: -layer[0])]


def _is_enclosed(box: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    """Whether a part keeps off the border of the picture: only then can it lie in the hole of another."""
    return all(side.start > 0 and side.stop < length for side, length in zip(box, shape, strict=True))

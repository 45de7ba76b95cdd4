"""Where names go beside points that lie close together, so that all can be read."""

from collections.abc import Sequence

import numpy as np

LETTER = (7.0, 15.0)  # about the width and height of one, pixels
APART = 7.0  # of a name from the middle of a point
# From the point to the middle of its name: near heights first, above before below, straight before aslant.
PLACES = tuple((x, y) for y in (16, -16, 31, -31, 46, -46, 61) for x in (0, 30, -30, 60, -60))


def place_names(names: Sequence[str], at: np.ndarray, points: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Offsets (N, 2) in pixels of the middles of the names from their points ``at`` (N, 2).

    Each takes the first of PLACES where it covers neither an earlier name nor any of ``points`` (M, 2) and stays
    inside (0, 0)..``size``; where there is none, the first one.
    """
    taken: list[np.ndarray] = []
    chosen = []
    for name, point in zip(names, at, strict=True):
        half = np.array([LETTER[0] * len(name), LETTER[1]]) / 2
        boxes = [np.stack([point + offset - half, point + offset + half]) for offset in np.array(PLACES, float)]
        free = (i for i, box in enumerate(boxes) if _is_free(box, taken, points, size))
        index = next(free, 0)
        taken.append(boxes[index])
        chosen.append(PLACES[index])
    return np.array(chosen, float).reshape(-1, 2)


def _is_free(box: np.ndarray, taken: Sequence[np.ndarray], points: np.ndarray, size: tuple[float, float]) -> bool:
    low, high = box
    if (low < 0).any() or (high > size).any():
        return False
    if ((points > low - APART) & (points < high + APART)).all(1).any():
        return False
    return not any((low < other[1]).all() and (other[0] < high).all() for other in taken)

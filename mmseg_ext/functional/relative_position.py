"""Tables of relative-position biases, as BEiT learns them, for windows of another size."""

import numpy as np
from scipy.interpolate import RectBivariateSpline


def resize_bias_table(table: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Biases (S, S, heads) for offsets -(S-1)/2 .. (S-1)/2 per axis, as (*size, heads); all sides are odd.

    The known offsets are laid out at distances that grow geometrically until the last one meets the border of the
    wanted table, and a cubic spline reads off the whole offsets. So the biases of near neighbours, which matter
    most, stay what they were, and only the far field is stretched (Bao et al. 2021, https://arxiv.org/abs/2106.08254).
    """
    nodes = [offset_nodes(table.shape[0] // 2, side // 2) for side in size]
    wanted = [np.arange(-(side // 2), side // 2 + 1) for side in size]
    heads = [RectBivariateSpline(*nodes, head)(*wanted) for head in np.moveaxis(table, -1, 0)]
    return np.stack(heads, -1)


def offset_nodes(known: int, reach: int) -> np.ndarray:
    """2 known + 1 ascending positions around 0: steps of 1, q, q^2, … that end at ``reach``; 1 if it is near.

    ``known`` at least 3, for a cubic spline.
    """
    powers = np.arange(known)
    low, high = 1.0, max(float(reach), 1.0)
    for _ in range(60):  # halves the interval below the precision of a float
        middle = (low + high) / 2
        low, high = (low, middle) if (middle**powers).sum() > reach else (middle, high)
    positions = np.cumsum(low**powers)
    return np.concatenate([-positions[::-1], [0.0], positions])

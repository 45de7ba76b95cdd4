"""Whether an edit ends in a visible edge."""

import numpy as np

INVISIBLE = 1.0  # grey levels: a smaller step is no edge, and no measure for another one


def seam_ratio(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> float:
    """Mean step across the border of ``region``, after against before; 1 where nothing changed there.

    A step is the mean absolute difference over the channels between two neighbours, one inside and one outside.
    Both means count as at least one grey level. NaN for a region without a border.
    """
    old, new = steps(before, region), steps(after, region)
    if not len(old):
        return float('nan')
    return float(max(new.mean(), INVISIBLE) / max(old.mean(), INVISIBLE))


def steps(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The differences (N,) over all pairs of 4-neighbours that the border of ``region`` runs between."""
    values = image.astype(np.float64)
    across = [np.abs(np.diff(values, axis=axis)).mean(-1)[np.diff(region, axis=axis)] for axis in (0, 1)]
    return np.concatenate(across)

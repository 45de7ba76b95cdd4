"""Whether a label still describes something that can be seen."""

import numpy as np
from scipy import ndimage

RING = 5  # pixels around a defect that it is compared with
IGNORED = 255


def survival(before: np.ndarray, after: np.ndarray, label: np.ndarray, new_label: np.ndarray) -> float:
    """Contrast of the defects after the edit, as a share of what it was before; 0 where the edit erased them.

    Each photograph is taken with its own label; pixels that the original label does not score belong to no ring.
    NaN where nothing is labelled or what is labelled could not be seen before.
    """
    scored = label != IGNORED
    old = contrast(before, _defects(label), scored)
    new = contrast(after, _defects(new_label), scored) if _defects(new_label).any() else 0.0
    return new / old if old >= 1 else float('nan')


def contrast(image: np.ndarray, defects: np.ndarray, scored: np.ndarray) -> float:
    """Grey levels between defects and what lies around them: the distance of the mean colours of a defect and of
    its ring, over sqrt(3), averaged over the connected defects by their pixels. NaN where no defect has a ring."""
    parts, _ = ndimage.label(defects, np.ones((3, 3)))
    values, weights = [], []
    for index, box in enumerate(ndimage.find_objects(parts), start=1):
        place = tuple(slice(max(side.start - RING, 0), side.stop + RING) for side in box)
        part = parts[place] == index
        ring = _near(part) & ~defects[place] & scored[place]
        if ring.any():
            values.append(_distance(image[place], part, ring))
            weights.append(part.sum())
    return float(np.average(values, weights=weights)) if values else float('nan')


def _near(part: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(~part) <= RING


def _distance(image: np.ndarray, part: np.ndarray, ring: np.ndarray) -> float:
    difference = image[part].mean(0) - image[ring].mean(0)
    return float(np.sqrt(np.square(difference).mean()))


def _defects(label: np.ndarray) -> np.ndarray:
    return (label != 0) & (label != IGNORED)

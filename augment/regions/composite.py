"""Put what the model drew back into the photograph."""

from collections.abc import Iterable

import numpy as np

from augment.regions.windows import Window


def pasted(photograph: np.ndarray, patches: Iterable[tuple[Window, np.ndarray]]) -> np.ndarray:
    """A copy of (H, W, …) with each window replaced by its patch."""
    result = photograph.copy()
    for window, patch in patches:
        result[window.slices] = patch
    return result


def composite(original: np.ndarray, edited: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``original + weight (edited - original)``, rounded: uint8 images (H, W, 3), ``weight`` (H, W) in 0..1.

    Exactly the original where the weight is 0, exactly the edit where it is 1.
    """
    inside = weight > 0
    first, second = original[inside].astype(np.float32), edited[inside].astype(np.float32)
    mixed = original.copy()
    mixed[inside] = np.rint(first + weight[inside, None] * (second - first))
    return mixed

"""Put what the model drew back into the photograph."""

from collections.abc import Iterable

import numpy as np

from augment.regions.windows import Window


def pasted(
    photograph: np.ndarray, patches: Iterable[tuple[Window, np.ndarray | bool, np.ndarray | None]]
) -> np.ndarray:
    """A copy of (H, W, …) with patches: the window of each, what is put there, and of which pixels of the whole
    photograph, bool (H, W); None: all of the window."""
    result = photograph.copy()
    for window, patch, pixels in patches:
        if pixels is None:
            result[window.slices] = patch
        else:
            inside = pixels[window.slices]
            result[window.slices][inside] = patch[inside]
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

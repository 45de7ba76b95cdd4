"""A window of a resized image, computed without resizing the rest of the image."""

from typing import NamedTuple

import cv2
import numpy as np


class Window(NamedTuple):
    """Rows ``top`` to ``top + height``, columns ``left`` to ``left + width`` of the image resized to ``scaled``.

    ``scaled`` is (height, width). All numbers are pixels of the resized image, and the window lies inside it.
    """

    scaled: tuple[int, int]
    top: int
    left: int
    height: int
    width: int


def source_index(scaled: int, size: int) -> np.ndarray:
    """For each pixel of a line resized from ``size`` to ``scaled``, the source pixel that holds its centre.

    Computed in integers, floor((2 i + 1) size / (2 scaled)): nearest neighbour without the shift by half a pixel
    that cv2's INTER_NEAREST has against its own bilinear images.
    """
    return (2 * np.arange(scaled) + 1) * size // (2 * scaled)


def crop_mask(mask: np.ndarray, window: Window) -> np.ndarray:
    """The window of a mask (H, W), nearest neighbour: every value of the result is one of the mask's."""
    rows = source_index(window.scaled[0], mask.shape[0])[window.top : window.top + window.height]
    columns = source_index(window.scaled[1], mask.shape[1])[window.left : window.left + window.width]
    near = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return near[rows - rows[0]][:, columns - columns[0]]


def crop_image(image: np.ndarray, window: Window) -> np.ndarray:
    """The window of an image (H, W) or (H, W, channels), bilinear, as if resized whole and then cropped."""
    y0, y1, offset_y, step_y = _source_span(window.top, window.height, window.scaled[0], image.shape[0])
    x0, x1, offset_x, step_x = _source_span(window.left, window.width, window.scaled[1], image.shape[1])
    if image.shape[:2] == window.scaled:
        return image[window.top : window.top + window.height, window.left : window.left + window.width].copy()
    to_source = np.array([[step_x, 0, offset_x], [0, step_y, offset_y]])
    return cv2.warpAffine(
        image[y0:y1, x0:x1],
        to_source,
        (window.width, window.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _source_span(start: int, length: int, scaled: int, size: int) -> tuple[int, int, float, float]:
    """First and one past the last source pixel needed, position of the first target pixel in them, and the step.

    Pixel i of the resized line lies at (i + 1/2) size / scaled - 1/2 in the source; the span is rounded outwards
    by one pixel more than bilinear needs, so that borders are replicated only where the image itself ends.
    """
    step = size / scaled
    first = (start + 0.5) * step - 0.5
    low, high = int(np.floor(first)) - 1, int(np.ceil(first + step * (length - 1))) + 2
    low, high = max(low, 0), min(high, size)
    return low, high, first - low, step

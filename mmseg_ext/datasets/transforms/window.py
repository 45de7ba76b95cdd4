"""A window of an image, resized without the rest of the image."""

from typing import NamedTuple

import cv2
import numpy as np


class Window(NamedTuple):
    """A box of whole source pixels and the size that it is resized to.

    ``size`` and ``scaled`` are (height, width) after resizing, of the window and of the whole image. The box lies
    inside the image and is ``size`` over the resize ratio, rounded to the nearest pixel; the image and every mask
    are cut to this very box, so that they stay aligned.
    """

    rows: slice
    columns: slice
    size: tuple[int, int]
    scaled: tuple[int, int]


def crop_image(image: np.ndarray, window: Window) -> np.ndarray:
    """The window of an image (H, W) or (H, W, channels), bilinear; unchanged pixels where the ratio is 1."""
    box = image[window.rows, window.columns]
    return box.copy() if box.shape[:2] == window.size else cv2.resize(box, window.size[::-1])


def crop_mask(mask: np.ndarray, window: Window) -> np.ndarray:
    """The window of a mask (H, W), nearest neighbour: every value of the result is one of the mask's."""
    box = mask[window.rows, window.columns]
    rows, columns = (source_index(window.size[axis], box.shape[axis]) for axis in (0, 1))
    return box[rows][:, columns]


def source_index(size: int, source: int) -> np.ndarray:
    """For each pixel of a line resized from ``source`` to ``size``, the source pixel that holds its centre.

    Computed in integers, floor((2 i + 1) source / (2 size)): the nearest neighbour without the shift by half a
    pixel that cv2's INTER_NEAREST has against cv2's bilinear images.
    """
    return (2 * np.arange(size) + 1) * source // (2 * size)


def source_length(size: int, scaled: int, source: int) -> int:
    """Source pixels under ``size`` pixels of a line that was resized from ``source`` to ``scaled``; at least 1."""
    return max(int(size * source / scaled + 0.5), 1)

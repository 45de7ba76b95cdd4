"""Which parts of a photograph a reviewer is shown, and how large."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

MARGIN = 12  # pixels of the photograph around what is labelled
WHOLE, CLOSE_UP = 512, 384  # pixels of the picture that the longer side of a view takes: at most, about
LARGEST_ZOOM = 8
SMALLEST = 48  # pixels of the photograph a close-up shows at least


@dataclass(frozen=True)
class View:
    """A part of a photograph, and how many pixels of the picture a pixel of it takes."""

    rows: slice
    columns: slice
    zoom: float

    def of(self, image: np.ndarray) -> np.ndarray:
        """That part of an image (H, W, 3) uint8; enlarged pixels stay squares, so that each can be judged."""
        return self._scaled(image[self.rows, self.columns])

    def of_mask(self, mask: np.ndarray) -> np.ndarray:
        """That part of a mask (H, W) bool, in which nothing gets lost when it is made smaller."""
        return self._scaled(mask[self.rows, self.columns].astype(np.float32)) > 0

    def _scaled(self, part: np.ndarray) -> np.ndarray:
        size = [max(1, round(length * self.zoom)) for length in part.shape[1::-1]]
        way = cv2.INTER_NEAREST if self.zoom >= 1 else cv2.INTER_AREA
        return cv2.resize(np.ascontiguousarray(part), size, interpolation=way)


def whole(shape: tuple[int, int]) -> View:
    """All of a photograph of that height and width, brought to a size that shows it at once."""
    return View(slice(0, shape[0]), slice(0, shape[1]), max(WHOLE // max(shape), min(1, WHOLE / max(shape))))


def close_ups(label: np.ndarray, old: np.ndarray) -> list[View]:
    """A view of every group of parts that lie near one another, those where the labels differ most first."""
    labelled = (label != 0) | (old != 0)
    numbers, count = ndimage.label(cv2.dilate(labelled.astype(np.uint8), np.ones([2 * MARGIN + 1] * 2, np.uint8)))
    differing = np.bincount(numbers[label != old], minlength=count + 1)[1:]
    boxes = ndimage.find_objects(numbers)
    return [_close_up(boxes[index], label.shape) for index in np.argsort(-differing, kind='stable')]


def _close_up(box: tuple[slice, slice], shape: tuple[int, int]) -> View:
    rows, columns = (_at_least(side, SMALLEST, length) for side, length in zip(box, shape, strict=True))
    size = max(rows.stop - rows.start, columns.stop - columns.start)
    zoom = min(CLOSE_UP // size, LARGEST_ZOOM) if size <= CLOSE_UP else min(1, 2 * CLOSE_UP / size)
    return View(rows, columns, zoom)


def _at_least(side: slice, least: int, length: int) -> slice:
    """The side made longer to both ends, within the photograph."""
    missing = max(0, least - (side.stop - side.start))
    start = min(max(0, side.start - missing // 2), max(0, length - least))
    return slice(start, min(length, max(side.stop, start + least)))

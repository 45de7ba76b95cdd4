"""Windows around the defects of a photograph: defects are tiny, so the model is shown them enlarged."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import ndimage

from augment.config.settings import CropSettings
from augment.regions.region import defects


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: ``height`` rows from ``top`` on, ``width`` columns from ``left`` on."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts the window out of an array (H, W, …)."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def overlaps(self, other: 'Window') -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.top < other.top + other.height
            and other.top < self.top + self.height
            and self.left < other.left + other.width
            and other.left < self.left + self.width
        )


def whole_frame(shape: tuple[int, ...]) -> list[Window]:
    """The one window that holds all of an array of ``shape`` (H, W, …)."""
    return [Window(0, 0, *shape[:2])]


def defect_windows(label: np.ndarray, crop: CropSettings, halo: int = 0) -> list[Window]:
    """Disjoint windows that together hold every labelled defect of (H, W) and ``halo`` pixels around it.

    A window is ``crop.context`` times as wide as its defect (8-connected; the longer side of its box), at least
    ``crop.smallest`` and wide enough for the halo; square and centred on the defect where the photograph allows,
    otherwise shifted into it and cut to it. Windows that overlap become the one around both. From top to bottom;
    none where nothing is labelled.
    """
    parts, _ = ndimage.label(defects(label), structure=np.ones((3, 3)))
    boxes = [
        Window(*(s.start for s in box), *(s.stop - s.start for s in box)) for box in ndimage.find_objects(parts)
    ]
    return _disjoint([_around(box, _side(box, crop, halo), label.shape) for box in boxes], label.shape)


def _side(box: Window, crop: CropSettings, halo: int) -> int:
    """Side of the window of a defect with this bounding box."""
    longest = max(box.height, box.width)
    return max(ceil(crop.context * longest), crop.smallest, longest + 2 * halo)


def _around(box: Window, side: int, shape: tuple[int, int]) -> Window:
    """The square of this side centred on ``box``, shifted into an image of ``shape`` and cut to it."""
    height, width = (min(side, length) for length in shape)
    top = box.top + (box.height - height) // 2
    left = box.left + (box.width - width) // 2
    return Window(min(max(top, 0), shape[0] - height), min(max(left, 0), shape[1] - width), height, width)


def _joined(one: Window, other: Window, shape: tuple[int, int]) -> Window:
    """The window around both, square where it fits."""
    top, left = min(one.top, other.top), min(one.left, other.left)
    height = max(one.top + one.height, other.top + other.height) - top
    width = max(one.left + one.width, other.left + other.width) - left
    return _around(Window(top, left, height, width), max(height, width), shape)


def _disjoint(windows: list[Window], shape: tuple[int, int]) -> list[Window]:
    """Join overlapping windows until no two overlap."""
    apart: list[Window] = []
    for window in windows:
        while overlapping := next(filter(window.overlaps, apart), None):
            apart.remove(overlapping)
            window = _joined(window, overlapping, shape)
        apart.append(window)
    return sorted(apart)

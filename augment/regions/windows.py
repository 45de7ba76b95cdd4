"""Windows around the defects of a photograph: defects are tiny, so the model is shown them enlarged."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import ndimage

from augment.config.settings import CropSettings
from augment.regions.region import defects, edit_region


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

    def holds(self, other: 'Window') -> bool:
        """Whether all pixels of ``other`` are in this one."""
        return (
            self.top <= other.top
            and self.left <= other.left
            and other.top + other.height <= self.top + self.height
            and other.left + other.width <= self.left + self.width
        )

    def widened(self, pixels: int, shape: tuple[int, int]) -> 'Window':
        """So many pixels more on each side, as far as an image of ``shape`` reaches."""
        top, left = max(self.top - pixels, 0), max(self.left - pixels, 0)
        bottom = min(self.top + self.height + pixels, shape[0])
        right = min(self.left + self.width + pixels, shape[1])
        return Window(top, left, bottom - top, right - left)

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


def defect_windows(label: np.ndarray, crop: CropSettings, halo: int = 0, disjoint: bool = True) -> list[Window]:
    """Windows that together hold every labelled defect of (H, W) and ``halo`` pixels around it, top to bottom.

    Defects whose halos touch are one. A window is ``crop.context`` times as wide as its defect (the longer side of
    its box), at least ``crop.smallest`` and wide enough for the halo; square and centred on the defect where the
    photograph allows, otherwise shifted into it and cut to it. A defect that a larger one's window holds with its
    halo gets none of its own.

    Windows may overlap, so that every defect is seen as large as can be. If they must be ``disjoint``, or are more
    than ``crop.most_windows``, those that overlap become the one around both. None where nothing is labelled.
    """
    windows: list[Window] = []
    for box in sorted(_boxes(label, halo), key=lambda box: max(box.height, box.width), reverse=True):
        if not any(window.holds(box.widened(halo, label.shape)) for window in windows):
            windows.append(_around(box, _side(box, crop, halo), label.shape))
    return _disjoint(windows, label.shape) if disjoint or len(windows) > crop.most_windows else sorted(windows)


def shares(windows: list[Window], region: np.ndarray) -> list[np.ndarray]:
    """``region`` (H, W) divided among windows, bool (H, W) each.

    A connected part goes to the smallest window that holds it: it is edited once, as large as it is seen anywhere.
    """
    parts, _ = ndimage.label(region, structure=np.ones((3, 3)))
    boxes = [_box(found) for found in ndimage.find_objects(parts)]
    owners = [
        min(
            (k for k, window in enumerate(windows) if window.holds(box)),
            key=lambda k: max(windows[k].height, windows[k].width),
        )
        for box in boxes
    ]
    owner = np.array([-1, *owners])[parts]
    return [owner == k for k in range(len(windows))]


def _boxes(label: np.ndarray, halo: int) -> list[Window]:
    """Boxes of the labelled defects, those whose halos touch taken together."""
    labelled = defects(label)
    parts, count = ndimage.label(edit_region(label, halo), structure=np.ones((3, 3)))
    found = ndimage.find_objects(np.where(labelled, parts, 0), count)
    return [_box(slices) for slices in found]


def _box(slices: tuple[slice, slice]) -> Window:
    return Window(*(s.start for s in slices), *(s.stop - s.start for s in slices))


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

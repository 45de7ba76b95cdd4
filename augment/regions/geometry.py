"""From a window of a photograph to the canvas the model draws on, and back."""

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np

from augment.regions.windows import Window

MULTIPLE = 64  # both sides of a canvas, as in the sizes SDXL was trained at
LONGEST = 4.0  # its most elongated canvas, longer to shorter side


@dataclass(frozen=True)
class Canvas:
    """One mapping for photograph, label and regions: a window brought to scale and centred on a canvas.

    What the window does not fill repeats its outermost pixels. Images are interpolated (cubic when enlarged, area
    means when reduced); labels and regions take the nearest pixel, so that no value appears that was not there.

    Args:
        window: the part of the photograph.
        height, width: sides of the canvas in pixels.
    """

    window: Window
    height: int
    width: int

    @classmethod
    def of(cls, window: Window, side: int) -> 'Canvas':
        """The canvas for ``window``: about as many pixels as a square of ``side``, in the window's proportions.

        The sides are multiples of 64, the longer at most four times the shorter (Podell et al. 2023, SDXL,
        appendix I); a square window has a canvas of exactly ``side`` x ``side``.
        """
        stretch = sqrt(min(max(window.height / window.width, 1 / LONGEST), LONGEST))
        return cls(
            window, *(max(round(length / MULTIPLE), 1) * MULTIPLE for length in (side * stretch, side / stretch))
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        return self.height, self.width

    @property
    def content(self) -> Window:
        """The part of the canvas that the window fills."""
        scale = min(self.height / self.window.height, self.width / self.window.width)
        height = min(max(round(self.window.height * scale), 1), self.height)
        width = min(max(round(self.window.width * scale), 1), self.width)
        return Window((self.height - height) // 2, (self.width - width) // 2, height, width)

    def forward_image(self, photograph: np.ndarray) -> np.ndarray:
        """The window of uint8 (H, W, 3) on the canvas, uint8 (height, width, 3)."""
        content = self.content
        drawn = _interpolated(photograph[self.window.slices], content.height, content.width)
        bottom, right = self.height - content.top - content.height, self.width - content.left - content.width
        return cv2.copyMakeBorder(drawn, content.top, bottom, content.left, right, cv2.BORDER_REPLICATE)

    def forward_labels(self, labels: np.ndarray) -> np.ndarray:
        """The window of labels or a region (H, W), of whatever type, on the canvas."""
        content = self.content
        rows = _nearest(content.height, self.window.height, content.top, self.height)
        columns = _nearest(content.width, self.window.width, content.left, self.width)
        return labels[self.window.slices][np.ix_(rows, columns)]

    def inverse_image(self, canvas: np.ndarray) -> np.ndarray:
        """What uint8 (height, width, 3) shows of the window, at the photograph's scale."""
        return _interpolated(canvas[self.content.slices], self.window.height, self.window.width)

    def inverse_labels(self, canvas: np.ndarray) -> np.ndarray:
        """What labels or a region on the canvas say of each pixel of the window."""
        content = self.content
        rows = _nearest(self.window.height, content.height)
        columns = _nearest(self.window.width, content.width)
        return canvas[content.slices][np.ix_(rows, columns)]


def _interpolated(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """A resized image (H, W, 3)."""
    shrinks = height * width < image.shape[0] * image.shape[1]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=kind)


def _nearest(length: int, source: int, offset: int = 0, total: int | None = None) -> np.ndarray:
    """Which of ``source`` pixels each of ``total`` shows, when the former fill ``length`` from ``offset`` on.

    The one that its centre lies in, computed in whole numbers; outside, the first or the last.
    """
    places = np.clip(np.arange(total or length) - offset, 0, length - 1)
    return (2 * places + 1) * source // (2 * length)

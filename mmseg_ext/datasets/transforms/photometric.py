"""mmseg's PhotoMetricDistortion with tables of 256 entries instead of floating-point images."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import cv2
import numpy as np
from mmseg.datasets.transforms import PhotoMetricDistortion
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class TablePhotoMetricDistortion(PhotoMetricDistortion):
    """Brightness, contrast, saturation and hue, each with probability one half: the very pixels that
    PhotoMetricDistortion gives from the same seed, from the same arguments, in less than half the time.

    A change that sees one value at a time is worked out for the 256 there are. Images are uint8 BGR.

    Required Keys: img

    Modified Keys: img
    """

    def convert(self, img: np.ndarray, alpha: float = 1, beta: float = 0) -> np.ndarray:
        """Times ``alpha`` plus ``beta``, clipped to 0..255."""
        if img.dtype != np.uint8:
            raise TypeError(f'{type(self).__name__} takes uint8 images, got {img.dtype}; leave out to_float32')
        return cv2.LUT(img, super().convert(np.arange(256, dtype=np.uint8), alpha, beta))

    def saturation(self, img: np.ndarray) -> np.ndarray:
        """Scale the saturation, or not."""
        if np.random.randint(2):
            low, high = self.saturation_lower, self.saturation_upper
            return self._in_hsv(img, 1, self.convert(np.arange(256, dtype=np.uint8), np.random.uniform(low, high)))
        return img

    def hue(self, img: np.ndarray) -> np.ndarray:
        """Turn the hue, or not."""
        if np.random.randint(2):
            shift = np.random.randint(-self.hue_delta, self.hue_delta)
            return self._in_hsv(img, 0, ((np.arange(256) + shift) % 180).astype(np.uint8))
        return img

    @staticmethod
    def _in_hsv(img: np.ndarray, channel: int, table: np.ndarray) -> np.ndarray:
        """Replace the values of hue (0) or saturation (1)."""
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
        cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, channel), table), hsv, channel)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)

"""Stretch each image to the full range of grey."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MinMaxImage(BaseTransform):
    """The darkest value of an image becomes 0, the brightest 255, those between are moved in proportion.

    One range for all channels and pixels of the image, so colours keep their order; an image of one value becomes
    black. Results are rounded to whole values, which keeps different ones different. Stands behind loading and
    before any crop, in training and in testing alike.

    Required Keys: img (H, W, C) uint8

    Modified Keys: img
    """

    def transform(self, results: dict) -> dict:
        """Stretch ``img``. Raises TypeError for an image that is not of 8 bits."""
        image = results['img']
        if image.dtype != np.uint8:
            raise TypeError(f'MinMaxImage takes uint8 images, got {image.dtype}; put it behind loading')
        low, high = int(image.min()), int(image.max())
        values = (np.arange(256) - low) * 255 / max(high - low, 1)
        results['img'] = np.clip(np.rint(values), 0, 255).astype(np.uint8)[image]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'

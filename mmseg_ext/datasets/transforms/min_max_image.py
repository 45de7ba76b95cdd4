"""Stretch each image to the full range of grey."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MinMaxImage(BaseTransform):
    """The darkest value of an image becomes 0, the brightest 255, those between as floats in proportion.

    One range for all channels and pixels of the image, so colours keep their order; an image of one value becomes
    black. Stands behind loading and before any crop, in training and in testing alike, and behind transforms that
    take 8-bit images only. Mean and deviation of the data preprocessor still follow.

    Required Keys: img (H, W, C), any number type

    Modified Keys: img, float32 in 0..255
    """

    def transform(self, results: dict) -> dict:
        image = results['img'].astype(np.float32)
        low, high = image.min(), image.max()
        results['img'] = (image - low) * np.float32(255 / (high - low if high > low else 1))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'

"""Load an image and its mask, from the cache where they are in it."""

from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_ext.datasets.cache import ArrayCache
from mmseg_ext.datasets.transforms.class_rows import ClassRows
from mmseg_ext.datasets.transforms.decode import read_image, read_mask


@TRANSFORMS.register_module()
class LoadPair(BaseTransform):
    """LoadImageFromFile and LoadAnnotations in one, faster, and from the second time on without decoding.

    The arrays are the same: the image (H, W, 3) uint8 BGR, the mask (H, W) uint8. From a cache they are mapped,
    not read, so that a crop costs what the pages under its window cost; and how many pixels of which class each
    row of the mask has is remembered for DefectCrop.

    Stands at the start of a pipeline. Mask values are taken as they are, as the data sets of this project want it.

    Required Keys: img_path, seg_map_path, seg_fields

    Added Keys: img, img_shape, ori_shape, gt_seg_map, class_rows (a ClassRows of gt_seg_map, only from a cache)

    Args:
        cache: ``dict(folder=…, gb=…)`` for an ArrayCache; None decodes every time. It makes no difference to the
            arrays and is no part of a run's identity.
    """

    def __init__(self, cache: dict | None = None) -> None:
        self.cache = None if cache is None else ArrayCache(**cache)

    def transform(self, results: dict) -> dict:
        """Add image and mask. Raises OSError or ValueError for files that are missing or cannot be decoded."""
        if results.get('reduce_zero_label') or results.get('label_map'):
            raise ValueError('LoadPair takes mask values as they are; use LoadAnnotations to change them')
        image, mask = results['img_path'], results['seg_map_path']
        if self.cache is None:
            results['img'], results['gt_seg_map'] = read_image(image), read_mask(mask)
        else:
            results['img'] = self.cache.fetch(image, _image_entry)['img']
            found = self.cache.fetch(mask, _mask_entry)
            results['gt_seg_map'] = found['mask']
            results['class_rows'] = ClassRows(**found)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        results['seg_fields'].append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(cache={self.cache})'


def _image_entry(path: str | Path) -> dict[str, np.ndarray]:
    return {'img': read_image(path)}


def _mask_entry(path: str | Path) -> dict[str, np.ndarray]:
    rows = ClassRows.of(read_mask(path))
    return {'mask': rows.mask, 'values': rows.values, 'ends': rows.ends}

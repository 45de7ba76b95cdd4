"""Any transform of albumentations in a pipeline of mmseg."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import random
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS

from .albumentation_parts import Compose, build, given_fills
from .class_rows import values_of


@TRANSFORMS.register_module()
class Albumentation(BaseTransform):
    """Apply transforms of albumentations 2.0.8 to the image and all masks, with the random numbers of this run.

        dict(type='Albumentation', transforms=[
            dict(type='RandomRotate90', p=0.5),
            dict(type='OneOf', p=0.3, transforms=[dict(type='CLAHE', clip_limit=2.0), dict(type='RandomGamma')]),
        ])

    What the library would ignore with a warning is an error here: unknown transforms and arguments, at any depth.
    Masks go to the nearest pixel, and where a transform opens space it is ``ignore_index`` in them unless its
    ``fill_mask`` says otherwise; a label that was not there before is an error. The library sees RGB, the pipeline
    goes on in BGR. Each call draws one number from numpy's global generator, which mmengine seeds in every worker,
    and all transforms inside go on from it: one seed gives one stream, and workers differ.

    Stands anywhere between loading and PackSegInputs; the transforms may change the size.

    Required Keys: img (H, W, 3) uint8 BGR, seg_fields

    Modified Keys: img, img_shape, and every key in seg_fields

    Args:
        transforms: One dict a transform, applied in order: ``type`` is its name, the rest its arguments.
        ignore_index: Mask value of pixels that come from outside the image.

    Raises:
        ValueError: a transform, argument or value that albumentations does not know; the place is named.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]], ignore_index: int = 255) -> None:
        if isinstance(transforms, Mapping | str):
            raise ValueError(f'Albumentation: transforms is a list of dict(type=…, …), got {transforms!r}')
        self.transforms, self.ignore_index = list(transforms), ignore_index
        built = [build(each, ignore_index, f'Albumentation.{i}') for i, each in enumerate(transforms)]
        self._compose = Compose(built)
        self._fills = [ignore_index, *given_fills(self.transforms)]

    def transform(self, results: dict) -> dict:
        """Transform image and masks together. Raises TypeError or ValueError for what a network cannot take."""
        image = results['img']
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise TypeError(f'Albumentation takes uint8 images of three channels, got {image.dtype} {image.shape}')
        masks = {key: results[key] for key in results.get('seg_fields', ())}
        # Transforms that look at the mask to place something look for this name.
        names = {key: 'mask' if key == 'gt_seg_map' else key for key in masks}
        self._compose.add_targets({name: 'mask' for name in names.values() if name != 'mask'})
        seed = self.draw_seed()
        # One generator for all: each seeded by itself, transforms of one call would all draw the same numbers.
        self._compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        targets = {names[key]: mask for key, mask in masks.items()}
        done = self._compose(image=cv2.cvtColor(image, cv2.COLOR_BGR2RGB), **targets)
        if done['image'].dtype != np.uint8 or done['image'].shape[2:] != (3,):
            got = f'{done["image"].dtype} {done["image"].shape}'
            raise TypeError(f'Albumentation: the image became {got}; normalising is left to the data preprocessor')
        for key, mask in masks.items():
            results[key] = done[names[key]]
            self._check_values(key, mask, results[key])
        results['img'] = cv2.cvtColor(done['image'], cv2.COLOR_RGB2BGR)
        results['img_shape'] = results['img'].shape[:2]
        return results

    @cache_randomness
    def draw_seed(self) -> int:
        """From it, everything that one call draws."""
        return int(np.random.randint(2**31))

    def _check_values(self, key: str, before: np.ndarray, after: np.ndarray) -> None:
        if not np.issubdtype(before.dtype, np.integer):
            return  # a map of measurements, such as depth
        new = set(values_of(after).tolist()).difference(values_of(before).tolist(), self._fills)
        if new:
            raise ValueError(f'Albumentation: {key} holds {sorted(new)[:5]}, which no pixel of it was before')

    def __repr__(self) -> str:
        return f'{type(self).__name__}(transforms={self.transforms}, ignore_index={self.ignore_index})'

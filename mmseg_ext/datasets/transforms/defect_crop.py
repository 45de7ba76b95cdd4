"""Random scale and crop that looks where the defects are."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

from collections.abc import Sequence

import numpy as np
from mmcv.image import rescale_size
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS

from mmseg_ext.errors import DataError

from .class_rows import ClassRows
from .window import Window, crop_image, crop_mask, source_index, source_length

ATTEMPTS = 10


@TRANSFORMS.register_module()
class DefectCrop(BaseTransform):
    """Draw a scale and a window, a share of the windows on a defect, and resize only the window.

    With probability ``prob`` a class is drawn uniformly among the wanted ones in the image, so that the rarest is
    not drowned, then one of its pixels, then the window uniformly among those that hold the pixel and lie in the
    image. Ratio and window are drawn anew, at most ten times, until the window holds ``min_pixels`` pixels of
    wanted classes (counted after resizing); if none does, the best is taken, and a defect of one pixel at the
    border of an image that shrinks can be lost.

    Otherwise, and for images without such a class, the draws are those of mmseg's RandomResize(base_size,
    ratio_range=scale, keep_ratio=True) and RandomCrop(crop_size): ``prob=0`` gives the same ratios and windows
    from the same seed, up to the rounding of the window to whole source pixels. Masks go to the nearest pixel
    centre, where mmseg is off by half a pixel.

    An image that is resized below ``crop_size`` gives a smaller crop, to be padded by the data preprocessor.
    Random numbers come from numpy's global generator, which mmengine seeds in every worker.

    Stands behind LoadPair (or LoadImageFromFile and LoadAnnotations), in place of RandomResize and RandomCrop.

    Required Keys: img, gt_seg_map, seg_fields; class_rows, where LoadPair has remembered them, saves the search

    Modified Keys: img, img_shape, and every key in seg_fields

    Added Keys: scale (width, height of the resized whole), scale_factor (of width, of height), keep_ratio

    Args:
        crop_size: Height and width of the crop in pixels, or one number for both.
        scale: Lowest and highest resize ratio, drawn uniformly.
        prob: Share of the crops, 0..1, that are put on a wanted class.
        classes: Wanted mask values; None means all but 0 (background) and ``ignore_index``.
        min_pixels: Pixels of wanted classes that such a crop should hold.
        base_size: Width and height into which ratio 1 fits the whole image; None is the image's own size.
        ignore_index: Mask value that is never wanted.
    """

    def __init__(
        self,
        crop_size: int | Sequence[int],
        scale: Sequence[float] = (0.5, 2.0),
        prob: float = 0.5,
        classes: Sequence[int] | None = None,
        min_pixels: int = 1,
        base_size: Sequence[int] | None = None,
        ignore_index: int = 255,
    ) -> None:
        self.crop_size = _pair('crop_size', (crop_size, crop_size) if isinstance(crop_size, int) else crop_size)
        self.base_size = None if base_size is None else _pair('base_size', base_size)
        self.scale = tuple(scale)
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1] < np.inf:
            raise ValueError(f'scale is (lowest, highest) ratio with 0 < lowest <= highest, got {scale}')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob is a share of the crops in 0..1, got {prob}')
        if min_pixels < 1:
            raise ValueError(f'min_pixels must be at least 1, got {min_pixels}; for plain crops set prob=0')
        if classes is not None and (not len(classes) or ignore_index in classes):
            raise ValueError(
                f'classes are the wanted mask values, at least one and never ignore_index {ignore_index}, got '
                f'{classes}; None wants every class but 0'
            )
        self.prob, self.min_pixels, self.ignore_index = prob, min_pixels, ignore_index
        self.classes = None if classes is None else tuple(classes)

    def transform(self, results: dict) -> dict:
        """Crop the image and every mask. Raises DataError, naming the file, when their sizes differ."""
        image = results['img']
        for key in ('gt_seg_map', *results.get('seg_fields', ())):
            if key not in results or results[key].shape[:2] != image.shape[:2]:
                raise DataError(self._mismatch(key, results))
        # A transform between LoadPair and this one may have made another mask, which the rows do not speak of.
        remembered = results.pop('class_rows', None)
        rows = remembered if remembered and remembered.mask is results['gt_seg_map'] else None
        window = self.draw_window(results['gt_seg_map'], rows)
        results['img'] = crop_image(image, window)
        for key in results.get('seg_fields', ()):
            results[key] = crop_mask(results[key], window)
        results['img_shape'] = results['img'].shape[:2]
        results['scale'] = window.scaled[::-1]
        results['scale_factor'] = (window.scaled[1] / image.shape[1], window.scaled[0] / image.shape[0])
        results['keep_ratio'] = True
        return results

    @cache_randomness
    def draw_window(self, mask: np.ndarray, rows: ClassRows | None = None) -> Window:
        """Draw scale and window for an image with this mask (H, W), whose ``rows`` may be known already."""
        window = None
        if self.prob and np.random.random_sample() < self.prob:
            window = self._draw_on_defect(ClassRows.of(mask) if rows is None else rows)
        return window or self._draw_anywhere(mask.shape)

    def _draw_on_defect(self, rows: ClassRows) -> Window | None:
        """A window with ``min_pixels`` wanted pixels, else the best of some; None where each of them held none."""
        present = rows.values[self._wanted(rows.values)]
        best, most = None, 0
        for _ in range(ATTEMPTS if len(present) else 0):
            # The class is drawn before the pixel: a class of ten pixels comes as often as one of ten thousand.
            value = np.random.choice(present)
            pixel = rows.pixel(value, np.random.randint(rows.count(value)))
            window = self._draw_around(pixel, rows.mask.shape)
            count = np.count_nonzero(self._wanted(crop_mask(rows.mask, window)))
            if count > most:
                best, most = window, count
            if most >= self.min_pixels:
                break
        return best

    def _draw_around(self, pixel: tuple[int, int], source: tuple[int, int]) -> Window:
        """A window at a new ratio that holds the source pixel (row, column)."""
        scaled, size, length = self._draw_sizes(source)
        starts = []
        for axis in (0, 1):
            # Where the image shrinks, pixels are skipped; only starts that keep the wanted one come into question.
            start = pixel[axis] - np.unique(source_index(size[axis], length[axis]))
            start = start[(start >= 0) & (start <= source[axis] - length[axis])]
            # A window of about the whole image can have no such start: then the pixel is lost at this ratio.
            starts.append(int(np.random.choice(start)) if len(start) else 0)
        return _box(starts, length, size, scaled)

    def _draw_anywhere(self, source: tuple[int, int]) -> Window:
        """The draws of RandomResize and RandomCrop, in their order."""
        scaled, size, length = self._draw_sizes(source)
        starts = []
        for axis in (0, 1):
            start = np.random.randint(0, scaled[axis] - size[axis] + 1)
            start = int(start * source[axis] / scaled[axis] + 0.5)
            starts.append(min(start, source[axis] - length[axis]))
        return _box(starts, length, size, scaled)

    def _draw_sizes(self, source: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """(Height, width) of the image resized by a random ratio, of the window, and of the window's source."""
        low, high = self.scale
        ratio = np.random.random_sample() * (high - low) + low
        height, width = source
        base = self.base_size or (width, height)
        # mmcv's own rounding, so that the sizes are those of RandomResize.
        scaled = rescale_size((width, height), (int(base[0] * ratio), int(base[1] * ratio)))
        scaled = max(scaled[1], 1), max(scaled[0], 1)
        size = tuple(min(self.crop_size[axis], scaled[axis]) for axis in (0, 1))
        return scaled, size, tuple(source_length(size[axis], scaled[axis], source[axis]) for axis in (0, 1))

    def _wanted(self, mask: np.ndarray) -> np.ndarray:
        """Whether each value is one of a wanted class, in the shape of the values."""
        if self.classes is None:
            return (mask != 0) & (mask != self.ignore_index)
        return np.logical_or.reduce([mask == value for value in self.classes])

    @staticmethod
    def _mismatch(key: str, results: dict) -> str:
        path = results.get('seg_map_path') or results.get('img_path') or 'an image without a path'
        if key not in results:
            return f'{path}: DefectCrop needs {key}; put LoadAnnotations before it in the pipeline'
        image, mask = results['img'].shape[:2], results[key].shape[:2]
        return f'{path}: the mask is {mask[0]}x{mask[1]} but its image is {image[0]}x{image[1]} (height x width)'

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, scale={self.scale}, prob={self.prob}, '
            f'classes={self.classes}, min_pixels={self.min_pixels}, base_size={self.base_size}, '
            f'ignore_index={self.ignore_index})'
        )


def _pair(name: str, size: Sequence[int]) -> tuple[int, int]:
    """Two positive whole numbers."""
    if len(size) != 2 or any(int(side) != side or side < 1 for side in size):
        raise ValueError(f'{name} takes two whole numbers of pixels, at least 1 each, got {size}')
    return int(size[0]), int(size[1])


def _box(start: Sequence[int], length: Sequence[int], size: tuple[int, int], scaled: tuple[int, int]) -> Window:
    rows, columns = (slice(start[axis], start[axis] + length[axis]) for axis in (0, 1))
    return Window(rows, columns, size, scaled)

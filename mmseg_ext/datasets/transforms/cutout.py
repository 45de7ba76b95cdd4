"""Objects cut out of photographs along their masks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mmseg_ext.functional.components import EIGHT_NEIGHBOURS, bounding_box

from .window import Window, crop_image, crop_mask

Box = tuple[slice, slice]


class Cutout(NamedTuple):
    """An object with some of its surroundings."""

    image: np.ndarray  # (h, w, channels), object and surroundings
    shape: np.ndarray  # (h, w) bool, the pixels of the object
    centre: tuple[float, float]  # middle of the object in its photograph, in shares 0..1 of height and width

    @property
    def box(self) -> Box:
        """Rows and columns of the object alone."""
        return bounding_box(self.shape)


def cut_objects(image: np.ndarray, mask: np.ndarray, value: int, min_pixels: int, margin: int) -> list[Cutout]:
    """The 8-connected components of a class, top ones first, without those of fewer than ``min_pixels`` pixels.

    Each comes with ``margin`` pixels around its box, fewer at the border of the image (H, W, channels). The pixels
    are views of the image: nothing is copied.
    """
    wanted = mask == value
    rows, columns = bounding_box(wanted)
    ids, count = ndimage.label(wanted[rows, columns], EIGHT_NEIGHBOURS)
    sizes = np.bincount(ids.ravel(), minlength=count + 1)
    cutouts = []
    for name, (inner_rows, inner_columns) in enumerate(ndimage.find_objects(ids), 1):
        if sizes[name] >= min_pixels:
            box = _moved(inner_rows, rows.start), _moved(inner_columns, columns.start)
            shape = ids[inner_rows, inner_columns] == name
            cutouts.append(_with_margin(image, box, shape, margin))
    return cutouts


def changed(cutout: Cutout, ratio: float, mirrored: bool) -> Cutout:
    """The cutout resized by ``ratio``, and mirrored left to right or not."""
    height, width = cutout.shape.shape
    size = max(round(height * ratio), 1), max(round(width * ratio), 1)
    window = Window(slice(None), slice(None), size, size)
    step = -1 if mirrored else 1
    image, shape = crop_image(cutout.image, window), crop_mask(cutout.shape, window)
    return cutout._replace(image=image[:, ::step], shape=shape[:, ::step])


def overlap(corner: Sequence[int], size: Sequence[int], canvas: Sequence[int]) -> tuple[Box, Box]:
    """What a patch of ``size`` with its upper left corner at ``corner`` covers of a canvas, and what of it does.

    All are (rows, columns); the corner may be outside. Where patch and canvas do not meet, both boxes are empty.
    """
    starts = [max(place, 0) for place in corner]
    stops = [max(min(corner[axis] + size[axis], canvas[axis]), starts[axis]) for axis in (0, 1)]
    here, there = (
        tuple(slice(starts[axis] - back[axis], stops[axis] - back[axis]) for axis in (0, 1))
        for back in ((0, 0), corner)
    )
    return here, there


def _with_margin(image: np.ndarray, box: Box, shape: np.ndarray, margin: int) -> Cutout:
    before = [min(side.start, margin) for side in box]
    after = [min(length - side.stop, margin) for side, length in zip(box, image.shape[:2], strict=True)]
    window = tuple(slice(side.start - b, side.stop + a) for side, b, a in zip(box, before, after, strict=True))
    centre = tuple(
        (side.start + side.stop) / 2 / length for side, length in zip(box, image.shape[:2], strict=True)
    )
    return Cutout(image[window], np.pad(shape, tuple(zip(before, after, strict=True))), centre)


def _moved(side: slice, by: int) -> slice:
    return slice(side.start + by, side.stop + by)

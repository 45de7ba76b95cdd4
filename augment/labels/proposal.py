"""A new mask for an edited photograph, from what changed in it. A guess, made to be corrected by a person."""

import numpy as np
from scipy import ndimage

from augment.config.settings import LabelSettings
from augment.labels.colour import ciede2000, lab
from augment.labels.names import IGNORED

TOUCHING = np.ones((3, 3), bool)  # pixels that share a corner are of one part


def propose(
    before: np.ndarray,
    after: np.ndarray,
    label: np.ndarray,
    region: np.ndarray,
    changed: np.ndarray,
    settings: LabelSettings,
) -> np.ndarray:
    """The label with the pixels that became background taken out, and those that joined a defect put in.

    A pixel stands out when its colour is further than ``settings.change`` (CIEDE2000) from the background around
    it. Labelled pixels that visibly ``changed``, came nearer to the background and do not stand out (any more) are
    background now; unlabelled ones that changed, moved away from it and stand out are defect, of the class of the
    nearest labelled pixel, when their part touches one. Parts of fewer than ``settings.smallest`` pixels are left
    as they are, and so is 255.
    Images are (H, W, 3) uint8 RGB, ``label`` (H, W) uint8, ``region`` and ``changed`` (H, W) bool.
    """
    defect = (label != 0) & (label != IGNORED)
    then, now = (contrast(image, label == 0, region) for image in (before, after))
    stands_out = now > settings.change
    lost = parts(changed & defect & ~stands_out & (now < then), settings.smallest)
    found = parts(changed & (label == 0) & stands_out & (now > then), settings.smallest, touching=defect)
    proposal = np.where(lost, np.uint8(0), label)
    if found.any():
        proposal[found] = label[tuple(_nearest(defect)[:, found])]
    return proposal


def contrast(image: np.ndarray, background: np.ndarray, region: np.ndarray) -> np.ndarray:
    """How far (CIEDE2000) the colours in ``region`` are from that of the background nearby, (H, W) float64.

    Nearby is the connected part of the region; its background's colour is the median, which holds as long as a
    defect does not spread over half of it. 0 outside the region, and in parts of it without background.
    """
    distances = np.zeros(region.shape)
    numbers, _ = ndimage.label(region, TOUCHING)
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        inside = numbers[box] == number
        ground = inside & background[box]
        if ground.any():
            colours = lab(image[box])
            usual = np.median(colours[ground], axis=0)
            distances[box][inside] = ciede2000(colours[inside], usual[None])
    return distances


def parts(mask: np.ndarray, smallest: int, touching: np.ndarray | None = None) -> np.ndarray:
    """The connected parts of ``mask`` with at least ``smallest`` pixels that touch, or overlap, ``touching``."""
    numbers, count = ndimage.label(mask, TOUCHING)
    keep = np.bincount(numbers.ravel(), minlength=count + 1) >= smallest
    if touching is not None:
        keep &= np.isin(np.arange(count + 1), numbers[ndimage.binary_dilation(touching, TOUCHING)])
    keep[0] = False
    return keep[numbers]


def _nearest(mask: np.ndarray) -> np.ndarray:
    """Row and column of the pixel of ``mask`` nearest to each, (2, H, W)."""
    return ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)

"""Where a photograph may change, and how much of the edit shows there."""

import cv2
import numpy as np

from augment.config.settings import BlendSettings

IGNORED = 255  # the value of pixels that are not scored: no defect, no background


def defects(label: np.ndarray) -> np.ndarray:
    """Labelled defects of (H, W), whatever their class, as bool: neither background (0) nor ignored (255)."""
    return (label != 0) & (label != IGNORED)


def edit_region(label: np.ndarray, halo: float) -> np.ndarray:
    """Pixels of (H, W) at most ``halo`` pixels from a labelled defect, centre to centre (Euclidean), as bool."""
    labelled = defects(label)
    if not labelled.any():
        return labelled
    return _depth(~labelled) <= halo


def permitted(
    blend: BlendSettings, shown: np.ndarray, labelled: np.ndarray | None, attention: np.ndarray | None
) -> np.ndarray:
    """Where the pixels of an edit replace those of the photograph, bool (H, W) like what it is made of.

    ``shown`` are the windows, ``labelled`` the defects with their halo, ``attention`` is what the model attended
    to; where ``blend.by`` names both of these, their union. Never outside the windows, which are the region
    themselves without compositing or with nothing to bound the edit.
    """
    if not blend.composite or blend.by == 'none':
        return shown
    parts = {'label': labelled, 'attention': attention}
    return shown & np.logical_or.reduce([parts[name] for name in blend.by.split('+')])


def feather(region: np.ndarray, pixels: int) -> np.ndarray:
    """Share of the edit in each pixel of (H, W), float32: 0 outside ``region``, 1 from ``pixels`` inside it on.

    In between the share grows evenly with the distance to the nearest pixel outside, which for the outermost ring
    is 1. The frame of the photograph is no border: what touches it stays at 1 there.
    """
    if region.all() or pixels <= 1:
        return region.astype(np.float32)
    return np.minimum(_depth(region) / pixels, 1)


def _depth(mask: np.ndarray) -> np.ndarray:
    """Euclidean distance of each pixel of (H, W) to the nearest outside ``mask``, float32; there must be one.

    OpenCV's exact algorithm (Felzenszwalb and Huttenlocher 2012), several times faster than scipy's.
    """
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)

"""Exact Euclidean distances between pixels."""

import cv2
import numpy as np


def distance_to(mask: np.ndarray) -> np.ndarray:
    """Distance in pixels from every pixel's centre to the nearest one of ``mask`` (H, W) bool, as float32.

    Infinite everywhere if ``mask`` is empty. The values of SciPy's ``distance_transform_edt(~mask)``, rounded to
    float32, in half the time (Felzenszwalb & Huttenlocher 2012); pixels equally far have equal values.
    """
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    found = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # OpenCV's roots are off by a last digit here and there; what they are roots of is a whole number.
    return np.sqrt(np.rint(np.square(found, out=found), out=found), out=found)

"""A short fingerprint of what a picture shows, by which near-duplicates are found."""

import cv2
import numpy as np

SIDE = 8
MARGIN = 0.1  # grey levels; less is no difference but rounding


def fingerprint(image: np.ndarray) -> int:
    """64 bits of a (H, W, 3) uint8 picture: which of 8 x 9 areas is darker than the one to its right (dHash).

    Brightness and contrast of the whole do not matter, and noise little.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    areas = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    bits = areas[:, :-1] + MARGIN < areas[:, 1:]
    return int.from_bytes(np.packbits(bits).tobytes(), 'big')


def bits_between(one: int, other: int) -> int:
    """How many of the 64 bits differ; two unrelated pictures differ in about 32."""
    return (one ^ other).bit_count()


def bounds(region: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that hold all of a region; the whole frame for an empty one."""
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, region.shape[0]), slice(0, region.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

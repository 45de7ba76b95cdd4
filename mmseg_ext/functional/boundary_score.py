"""How well contours are met: boundary F1 (Csurka et al. 2013, https://doi.org/10.5244/C.27.32; the F of Perazzi et
al. 2016, https://doi.org/10.1109/CVPR.2016.85).

The contour of a class is the inner one: its pixels that have a pixel of another class above, below, left or right
of them. It is taken of each class by itself, so that two classes that touch have a contour each; the frame of
the image is no contour. A pixel of the predicted contour is right when one of the true contour lies within the
tolerance, a Euclidean distance: the share of those is precision, and the reverse is recall. One pixel may serve
many.

Of ignored pixels nothing is known: they belong to no contour, and their neighbours in all 8 directions, whose
contour hangs on them, are not counted. A pixel that counts may still find its partner among those neighbours.
"""

import numpy as np

from mmseg_ext.functional.disk import disk_maximum
from mmseg_ext.functional.threshold_curves import precision_recall_f1


def contour_counts(
    pred: np.ndarray, label: np.ndarray, num_classes: int, tolerance: float, ignore_index: int = 255
) -> np.ndarray:
    """(C, 4) int64, a row a class: hits among the predicted, predicted, hits among the true, true pixels.

    ``pred`` and ``label`` (H, W) hold classes 0..C-1, the label ``ignore_index`` too; ``tolerance`` is in pixels.
    A class without a contour has zeros.
    """
    valid = label != ignore_index
    counted = ~disk_maximum((~valid).view(np.uint8), 1.5).view(bool)
    predicted, true = inner_contours(pred, valid), inner_contours(label, valid)
    counts = np.zeros((num_classes, 4), np.int64)
    for index in np.union1d(pred[predicted], label[true]).tolist():
        ours, theirs = predicted & (pred == index), true & (label == index)
        box = _box(ours | theirs)
        counts[index] = _matched(ours[box], theirs[box], counted[box], tolerance)
    return counts


def inner_contours(classes: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels with a pixel of another class above, below, left or right; both must be ``valid``."""
    contours = np.zeros(classes.shape, bool)
    for axis in (0, 1):
        first, second = _but_last(axis), _but_first(axis)
        differ = (classes[first] != classes[second]) & valid[first] & valid[second]
        contours[first] |= differ
        contours[second] |= differ
    return contours


def boundary_f1(counts: np.ndarray) -> np.ndarray:
    """(C,) float64 in 0..1 from the counts (N, C, 4) of N images: the mean F1 over the images with such a contour.

    As Csurka et al. average. An image where a class has a contour in one of label and prediction only adds 0; NaN
    for a class without any contour at all.
    """
    there = counts[..., 1] + counts[..., 3] > 0
    with np.errstate(invalid='ignore'):
        return (precision_recall_f1(counts)[2] * there).sum(0) / there.sum(0)


def _matched(predicted: np.ndarray, true: np.ndarray, counted: np.ndarray, tolerance: float) -> tuple[int, ...]:
    """The row of counts of one class from its contours (H, W) and what counts."""
    reached, near = (disk_maximum(each.view(np.uint8), tolerance).view(bool) for each in (predicted, true))
    predicted, true = predicted & counted, true & counted
    return tuple(map(np.count_nonzero, (predicted & near, predicted, true & reached, true)))


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """The smallest rows and columns that hold all of a mask which is not empty."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _but_last(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(None, -1),)


def _but_first(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(1, None),)

"""Pixel counts of (label, prediction) pairs, and the scores that follow from them alone."""

import numpy as np
import torch
from torch import Tensor

FEW_CLASSES = 5  # up to here one vectorised pass over bytes per pair of classes beats one scattered histogram


def confusion_counts(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Counts of pixels by true class (row) and predicted class (column), shape (C, C) int64 on the CPU.

    ``pred`` and ``label`` hold class indices, shape (H, W) or any other that the two share, of any integer type
    and on any device; pixels whose label is ``ignore_index`` are left out. Counting happens where ``pred`` is.

    Raises ValueError when the shapes differ or a pixel that counts is outside 0..C-1 in either of the two.
    """
    if pred.shape != label.shape:
        raise ValueError(
            f'the prediction is {tuple(pred.shape)} but the mask is {tuple(label.shape)}; '
            'predictions must come back at the size of the mask'
        )
    counts = None
    if num_classes <= FEW_CLASSES and num_classes <= ignore_index <= 255 and pred.device.type == 'cpu':
        counts = _count_bytes(_as_bytes(pred), _as_bytes(label.cpu()), num_classes, ignore_index)
    return _count_wide(pred, label.to(pred.device), num_classes, ignore_index) if counts is None else counts


def class_scores(counts: Tensor) -> dict[str, Tensor]:
    """IoU, recall and F1 of each class in 0..1 from (C, C) counts: ``IoU``, ``Acc``, ``F1``, each (C,) float64.

    A class that is neither labelled nor predicted is NaN everywhere; one that is predicted but never labelled
    scores 0 in IoU and F1, and its recall is NaN, for there is nothing to recall.
    """
    counts = counts.double()
    correct, labelled, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    return {
        'IoU': correct / (labelled + predicted - correct),
        'Acc': correct / labelled,
        'F1': 2 * correct / (labelled + predicted),
    }


def _as_bytes(values: Tensor) -> np.ndarray | None:
    """The same values as uint8, or None where some of them do not fit."""
    array = values.numpy()
    # One bit above the lowest eight, the sign included, survives the OR of all values.
    if array.dtype not in (np.uint8, bool) and np.bitwise_or.reduce(array, axis=None) >> 8:
        return None
    return array.astype(np.uint8, copy=False)


def _count_bytes(
    pred: np.ndarray | None, label: np.ndarray | None, num_classes: int, ignore_index: int
) -> Tensor | None:
    """Exact counts for few classes, or None where some pixel is out of range and must be looked at."""
    if pred is None or label is None:
        return None
    # Everything above the classes falls into one more row and column, which nobody counts.
    beyond = np.uint8(num_classes)
    pair = np.minimum(label, beyond) * (beyond + np.uint8(1)) + np.minimum(pred, beyond)
    counts = [
        [np.count_nonzero(pair == row * (num_classes + 1) + column) for column in range(num_classes)]
        for row in range(num_classes)
    ]
    counts = torch.tensor(counts)
    return counts if counts.sum() + np.count_nonzero(label == ignore_index) == label.size else None


def _count_wide(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> Tensor:
    """Exact counts for any number of classes and any device: one histogram with two bins for what is left out."""
    pred, label = pred.long(), label.long()
    inside = (label >= 0) & (label < num_classes) & (pred >= 0) & (pred < num_classes)
    pair = torch.where(inside, label * num_classes + pred, num_classes**2 + 1)
    pair = torch.where(label == ignore_index, num_classes**2, pair)
    counts = torch.bincount(pair.flatten(), minlength=num_classes**2 + 2).cpu()
    if counts[-1]:
        valid = label != ignore_index
        _raise_out_of_range(pred[valid], label[valid], num_classes, ignore_index)
    return counts[:-2].reshape(num_classes, num_classes)


def _raise_out_of_range(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> None:
    """Say which value is out of range, how often, and what usually causes it."""
    mask_cause = 'is the mask encoded 0/255, a class missing from the data set, or reduce_zero_label unset?'
    pred_cause = "has the model more output channels than the data set has classes? set the head's num_classes"
    for what, values, cause in (('mask', label, mask_cause), ('prediction', pred, pred_cause)):
        wrong = values[(values < 0) | (values >= num_classes)]
        if len(wrong):
            count = int((wrong == wrong[0]).sum())
            raise ValueError(
                f'{what} value {int(wrong[0])} on {count} pixels, but there are only {num_classes} classes '
                f'(0 to {num_classes - 1}) and ignore_index {ignore_index}; {cause}'
            )

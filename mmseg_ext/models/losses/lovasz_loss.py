"""Lovász-softmax loss."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.lovasz import lovasz_softmax_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class LovaszSoftmaxLoss(SegmentationLoss):
    """Surrogate of 1 - mean Jaccard index of the classes present in the batch; put a cross-entropy beside it.

    mmseg's LovaszLoss cannot be built with its defaults and fails on batches with one valid pixel or none.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_lovasz') -> None:
        super().__init__(loss_weight, loss_name)

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return lovasz_softmax_loss(logits, label, weight, ignore_index)

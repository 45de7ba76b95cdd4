"""Boundary loss of Kervadec et al."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.boundary import boundary_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class KervadecBoundaryLoss(SegmentationLoss):
    """Mean over pixels and defect classes of probability x signed distance to the class's contour.

    It can be negative, and is least at a perfect prediction. Its minimum is shallow: put a region loss beside it,
    at first with a hundred times its weight (the authors: ``loss_weight=0.01``, raised by 0.01 an epoch). Not to
    be mixed up with mmseg's BoundaryLoss, which is PIDNet's and cannot be used as a ``loss_decode``.
    """

    indexes_by_label = False

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_boundary') -> None:
        super().__init__(loss_weight, loss_name)

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return boundary_loss(logits, label, weight=weight, ignore_index=ignore_index)

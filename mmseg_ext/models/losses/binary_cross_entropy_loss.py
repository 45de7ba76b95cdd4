"""Binary cross-entropy over the pixels that count."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.cross_entropy import masked_binary_cross_entropy
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class BinaryCrossEntropyLoss(SegmentationLoss):
    """Mean over the valid pixels of the cross-entropy of each channel's sigmoid.

    Made for a single logit (``out_channels=1``): its sigmoid is the probability of class 1, defect, and label 0 is
    background. With C >= 2 channels each is asked "this class or not" by itself, background too.
    """

    takes_single_logit = True
    indexes_by_label = False  # a single logit only asks which labels are 1

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_bce') -> None:
        super().__init__(loss_weight, loss_name)

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return masked_binary_cross_entropy(logits, label, weight, ignore_index)

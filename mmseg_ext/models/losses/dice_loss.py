"""Dice loss."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.overlap import mean_dice
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class SoftDiceLoss(SegmentationLoss):
    """1 - the mean Dice index of the classes, ignored pixels left out.

    Each class counts alike, so that painting an image of 0.2 % defects all background costs two thirds; mmseg's
    DiceLoss, with all classes in one sum, lets it pass for 0.002. Over the batch as one picture, or with
    ``per_image`` each image for itself, which makes a speck weigh as much as a large defect elsewhere.
    """

    def __init__(self, per_image: bool = False, loss_weight: float = 1.0, loss_name: str = 'loss_dice') -> None:
        super().__init__(loss_weight, loss_name)
        self.per_image = per_image

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return 1 - mean_dice(logits, label, weight, ignore_index, self.per_image)

"""Focal loss plus the logarithm of Dice, the mix of the indoor recipe."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.focal import softmax_focal_loss
from mmseg_ext.functional.overlap import mean_dice
from mmseg_ext.models.losses.base import SegmentationLoss
from mmseg_ext.models.losses.per_class import PerClass, PerClassValue


@MODELS.register_module()
class FocalDiceLoss(SegmentationLoss):
    """``alpha`` x focal - log(mean Dice of the classes).

    The logarithm, unlike 1 - Dice, pulls harder the worse the overlap. ``alpha`` mixes the two terms;
    ``focal_alpha`` is what SoftmaxFocalLoss calls alpha. Both terms are per pixel and per class.
    """

    def __init__(
        self,
        alpha: float = 10.0,
        focal_alpha: PerClassValue = 0.25,
        gamma: float = 2.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal_dice',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if min(alpha, gamma) < 0:
            raise ValueError(f'FocalDiceLoss: need alpha, gamma >= 0, got {alpha=}, {gamma=}')
        self.alpha, self.gamma = alpha, gamma
        self.focal_alpha = PerClass(focal_alpha, 'FocalDiceLoss', 'focal_alpha')

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        focal_alpha = self.focal_alpha.like(logits)
        focal = softmax_focal_loss(logits, label, focal_alpha, self.gamma, weight, ignore_index)
        return self.alpha * focal - mean_dice(logits, label, weight, ignore_index).log()

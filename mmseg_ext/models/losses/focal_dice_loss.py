"""Focal loss plus the logarithm of Dice, the mix of the indoor recipe."""

from numbers import Real

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.batch_focal_dice import batch_focal, flat_dice
from mmseg_ext.functional.focal import softmax_focal_loss
from mmseg_ext.functional.overlap import mean_dice
from mmseg_ext.models.losses.base import SegmentationLoss
from mmseg_ext.models.losses.per_class import PerClass, PerClassValue

VARIANTS = ('per_pixel', 'source')


@MODELS.register_module()
class FocalDiceLoss(SegmentationLoss):
    """``alpha`` x focal - log(Dice).

    The logarithm, unlike 1 - Dice, pulls harder the worse the overlap. ``alpha`` mixes the two terms;
    ``focal_alpha`` is what SoftmaxFocalLoss calls alpha. By default focal is a mean over the pixels and Dice one
    over the classes. ``variant='source'`` takes both of the batch as a whole, as the recipe was first written
    (mmseg_ext/functional/batch_focal_dice.py): to reproduce it, not to find rare classes.
    """

    def __init__(
        self,
        alpha: float = 10.0,
        focal_alpha: PerClassValue = 0.25,
        gamma: float = 2.0,
        variant: str = 'per_pixel',
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal_dice',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if min(alpha, gamma) < 0:
            raise ValueError(f'FocalDiceLoss: need alpha, gamma >= 0, got {alpha=}, {gamma=}')
        if variant not in VARIANTS:
            raise ValueError(f'FocalDiceLoss: {variant=} is neither of {", ".join(VARIANTS)}')
        if variant == 'source' and not isinstance(focal_alpha, Real):
            raise ValueError(
                f"FocalDiceLoss: variant='source' knows no classes, {focal_alpha=} must be one number"
            )
        self.alpha, self.gamma, self.variant = alpha, gamma, variant
        self.focal_alpha = PerClass(focal_alpha, 'FocalDiceLoss', 'focal_alpha')

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        if self.variant == 'source':
            focal = batch_focal(logits, label, self.focal_alpha.value, self.gamma, weight, ignore_index)
            return self.alpha * focal - flat_dice(logits, label, weight, ignore_index).log()
        focal_alpha = self.focal_alpha.like(logits)
        focal = softmax_focal_loss(logits, label, focal_alpha, self.gamma, weight, ignore_index)
        return self.alpha * focal - mean_dice(logits, label, weight, ignore_index).log()

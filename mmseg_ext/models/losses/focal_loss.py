"""Softmax focal loss."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.focal import softmax_focal_loss
from mmseg_ext.models.losses.base import SegmentationLoss
from mmseg_ext.models.losses.per_class import PerClass, PerClassValue


@MODELS.register_module()
class SoftmaxFocalLoss(SegmentationLoss):
    """Mean over the valid pixels of ``alpha_y (1-p_y)^gamma (-log p_y)``; gamma 0 is cross-entropy.

    Unlike mmseg's FocalLoss (C independent sigmoids, and a call that fails on the CPU) p is the softmax, and alpha
    multiplies the pixels of its class and nothing else: None, a number for all classes,
    ``dict(background=, defect=)`` for any number of classes, or a list with one number a class.
    """

    def __init__(
        self,
        alpha: PerClassValue = None,
        gamma: float = 2.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if gamma < 0:
            raise ValueError(f'SoftmaxFocalLoss: gamma={gamma} would favour the solved pixels; it must be >= 0')
        self.alpha, self.gamma = PerClass(alpha, 'SoftmaxFocalLoss', 'alpha'), gamma

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return softmax_focal_loss(logits, label, self.alpha.like(logits), self.gamma, weight, ignore_index)

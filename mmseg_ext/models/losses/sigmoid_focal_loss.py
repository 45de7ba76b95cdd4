"""Sigmoid focal loss."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.sigmoid_focal import sigmoid_focal_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class SigmoidFocalLoss(SegmentationLoss):
    """Mean over the valid pixels of ``alpha_t (1-p_t)^gamma (-log p_t)``, of the sigmoid of each channel.

    Made for a single logit (``out_channels=1``), whose sigmoid is the probability of class 1, defect; C >= 2
    channels are asked "this class or not" each. ``alpha``, in 0..1, is the share of the defect's pixels and
    1 - alpha that of the others: the published 0.25 makes a rare class count for less, not for more, since gamma
    has already all but silenced the many easy pixels of the background. None leaves both sides alike.
    """

    takes_single_logit = True
    indexes_by_label = False  # a single logit only asks which labels are 1

    def __init__(
        self,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_sigmoid_focal',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(
                f'SigmoidFocalLoss: alpha={alpha} is the share of the defect and 1 - alpha that of the rest; it '
                'must lie in 0..1, or be None'
            )
        if gamma < 0:
            raise ValueError(f'SigmoidFocalLoss: gamma={gamma} would favour the solved pixels; it must be >= 0')
        self.alpha, self.gamma = alpha, gamma

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return sigmoid_focal_loss(logits, label, self.alpha, self.gamma, weight, ignore_index)

"""Tversky and focal Tversky loss."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.overlap import tversky_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class SoftTverskyLoss(SegmentationLoss):
    """Mean over the classes of ``(1 - TP / (TP + alpha FP + beta FN)) ** gamma``.

    alpha prices false positives, beta misses: beta > alpha favours recall, as thin cracks need. gamma < 1 is the
    focal Tversky loss. What an absent class costs is written down in mmseg_ext/functional/overlap.py.
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 1.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_tversky',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if min(alpha, beta) < 0 or gamma <= 0:
            raise ValueError(
                f'SoftTverskyLoss: need alpha, beta >= 0 and gamma > 0, got {alpha=}, {beta=}, {gamma=}'
            )
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return tversky_loss(logits, label, self.alpha, self.beta, self.gamma, weight, ignore_index)

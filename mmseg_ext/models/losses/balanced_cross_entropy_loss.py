"""Cross-entropy in which rare classes are heard from the first iteration on."""

from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.class_balance import balancing_weights
from mmseg_ext.functional.cross_entropy import masked_cross_entropy
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class BalancedCrossEntropyLoss(SegmentationLoss):
    """Softmax cross-entropy with the classes of each batch weighed against each other, less and less so.

    A class with n pixels in the batch has the share n ** (1 - power) in the mean. Where a defect is a thousandth
    of the pixels, power 0 lets a network from scratch learn "background" for thousands of iterations first, and
    the gradient of an overlap loss has vanished by then too, because it is proportional to the probability that is
    left to the class. At power 1 every class pulls alike and is told apart within hundreds, but so is much too
    much predicted. Therefore power falls evenly from ``power`` in the first iteration of a run to ``final_power``
    in the last: what is learnt first is what a defect looks like, and last how rare it is.

    The weights at power 1 are those of Eigen & Fergus 2015 (https://arxiv.org/abs/1411.4734) taken per batch; they
    need no counts in a config and fit any data set. Outside a runner it stays at ``power``.
    """

    def __init__(
        self,
        power: float = 1.0,
        final_power: float = 0.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_balanced_ce',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if not (0 <= power <= 1 and 0 <= final_power <= 1):
            raise ValueError(
                f'BalancedCrossEntropyLoss: need power and final_power in 0..1, got {power=}, {final_power=}'
            )
        self.power, self.final_power = power, final_power

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        class_weight = balancing_weights(label, logits.shape[1], self._power_now(), ignore_index)
        return masked_cross_entropy(
            logits, label, class_weight.to(logits.dtype), weight=weight, ignore_index=ignore_index
        )

    def _power_now(self) -> float:
        """By the runner's iteration, which survives a resume."""
        hub = MessageHub.get_current_instance()
        last = hub.get_info('max_iters', 0) - 1
        progress = min(hub.get_info('iter', 0) / last, 1.0) if last > 0 else 0.0
        return self.power + (self.final_power - self.power) * progress

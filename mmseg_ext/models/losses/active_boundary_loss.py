"""Active boundary loss."""

from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.active_boundary import active_boundary_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class ActiveBoundaryLoss(SegmentationLoss):
    """Moves predicted contours towards the true ones, one pixel a step.

    Never alone: its authors report NaN then, and got the best out of cross-entropy + Lovász-softmax + this. Early
    contours are noise, so it stays 0 for the first ``start_iter`` training iterations. ``detach`` as in
    mmseg_ext/functional/active_boundary.py, which tells the algorithm and how it departs from the published code.
    """

    indexes_by_label = False

    def __init__(
        self,
        max_ratio: float = 0.01,
        max_distance: float = 20.0,
        label_smoothing: float = 0.2,
        start_iter: int = 0,
        detach: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_active_boundary',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if not 0 < max_ratio <= 1 or max_distance <= 0 or not 0 <= label_smoothing < 1:
            raise ValueError(
                'ActiveBoundaryLoss: need 0 < max_ratio <= 1, max_distance > 0 and 0 <= label_smoothing < 1, '
                f'got {max_ratio=}, {max_distance=}, {label_smoothing=}'
            )
        self.max_ratio, self.max_distance, self.label_smoothing = max_ratio, max_distance, label_smoothing
        self.start_iter, self.detach, self.calls = start_iter, detach, 0

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        if self._iteration() < self.start_iter:
            return logits.sum() * 0
        return active_boundary_loss(
            logits,
            label,
            weight,
            ignore_index,
            self.max_ratio,
            self.max_distance,
            self.label_smoothing,
            self.detach,
        )

    def _iteration(self) -> int:
        """The runner's iteration, which survives a resume; outside a runner the training calls made so far."""
        done = self.calls
        self.calls += self.training
        return MessageHub.get_current_instance().get_info('iter', done)

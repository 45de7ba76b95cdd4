"""Boundary loss of Kervadec et al."""

from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.boundary import boundary_loss
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class KervadecBoundaryLoss(SegmentationLoss):
    """Mean over pixels and defect classes of probability x signed distance to the class's contour.

    It can be negative, and is least at a perfect prediction. Its minimum is shallow: put a region loss beside it,
    at first with a hundred times its weight. The authors begin with 0.01 and add 0.01 an epoch:
    ``loss_weight=0.01, rise=0.01, rise_every=<iterations of an epoch>``, up to ``max_weight``. (They also take
    from the region loss what they add here; here it keeps its weight.) The weight follows the runner's iteration,
    so it goes on where it was after a resume; outside a runner it stays at ``loss_weight``.

    Distances take most of its time. A pipeline that ends with SignedDistance has the workers make them.

    Not to be mixed up with mmseg's BoundaryLoss, which is PIDNet's and cannot be used as a ``loss_decode``.
    """

    indexes_by_label = False
    field = 'gt_distance'

    def __init__(
        self,
        rise: float = 0.0,
        rise_every: int = 1000,
        max_weight: float = 1.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_boundary',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if rise < 0 or rise_every < 1 or (rise and max_weight < loss_weight):
            raise ValueError(
                'KervadecBoundaryLoss: need rise >= 0, rise_every >= 1 and, to rise, max_weight >= loss_weight, '
                f'got {rise=}, {rise_every=}, {max_weight=}, {loss_weight=}'
            )
        self.rise, self.rise_every, self.max_weight = rise, rise_every, max_weight

    def compute(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        distance: Tensor | None = None,
    ) -> Tensor:
        return boundary_loss(logits, label, distance, weight, ignore_index)

    def current_weight(self) -> float:
        """``loss_weight``, and ``rise`` for every ``rise_every`` iterations of the run so far."""
        if not self.rise:
            return self.loss_weight
        steps = MessageHub.get_current_instance().get_info('iter', 0) // self.rise_every
        return min(self.loss_weight + self.rise * steps, self.max_weight)

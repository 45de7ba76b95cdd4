"""Skeleton recall loss."""

import weakref

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.skeleton_recall import recall_on, tubed_skeleton
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class SkeletonRecallLoss(SegmentationLoss):
    """1 - soft recall on the skeletons of the labelled lines, ``radius`` pixels wider.

    Never alone: it asks that cracks are found from end to end and prices no false alarm. Its authors put it beside
    Dice and cross-entropy with weight 1. A single logit and C >= 2 channels will do; background has no skeleton. A
    class that the batch lacks costs nothing, and counts in the mean over the classes. Labels are thinned on the
    CPU, for which an accelerator waits.
    """

    takes_single_logit = True
    indexes_by_label = False

    def __init__(
        self,
        radius: int = 2,
        smooth: float = 1e-5,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_skeleton_recall',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if radius < 0 or smooth <= 0:
            raise ValueError(f'SkeletonRecallLoss: need radius >= 0 and smooth > 0, got {radius=}, {smooth=}')
        self.radius, self.smooth = radius, smooth
        self.last: tuple[weakref.ref, tuple[int, int], Tensor] | None = None

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return 1 - recall_on(self._tube(label, ignore_index), logits, label, weight, self.smooth)

    def _tube(self, label: Tensor, ignore_index: int) -> Tensor:
        """The tubes of ``label``, made once for all outputs of a network that learn from the same one."""
        if label.is_inference():
            return tubed_skeleton(label, ignore_index, self.radius)
        state = (label._version, ignore_index)  # the version tells of changes in place, but not under inference
        if self.last is None or self.last[0]() is not label or self.last[1] != state:
            self.last = weakref.ref(label), state, tubed_skeleton(label, ignore_index, self.radius)
        return self.last[2]

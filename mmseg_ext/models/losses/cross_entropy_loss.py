"""Cross-entropy that copes with ignored pixels."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.cross_entropy import masked_cross_entropy
from mmseg_ext.models.losses.base import SegmentationLoss
from mmseg_ext.models.losses.per_class import PerClass, PerClassValue


@MODELS.register_module()
class MaskedCrossEntropyLoss(SegmentationLoss):
    """Softmax cross-entropy, the (class-weighted) mean over the valid pixels.

    mmseg's CrossEntropyLoss divides by ignored pixels too, and fails when ``class_weight`` meets a label of 255.
    """

    def __init__(
        self,
        class_weight: PerClassValue = None,
        label_smoothing: float = 0.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f'MaskedCrossEntropyLoss: label_smoothing={label_smoothing} is not in 0..1')
        self.class_weight = PerClass(class_weight, 'MaskedCrossEntropyLoss', 'class_weight')
        self.label_smoothing = label_smoothing

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        class_weight = self.class_weight.like(logits)
        return masked_cross_entropy(logits, label, class_weight, self.label_smoothing, weight, ignore_index)

"""Binary cross-entropy plus Dice, as crack segmentation uses it."""

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.functional.cross_entropy import masked_binary_cross_entropy
from mmseg_ext.functional.overlap import binary_dice
from mmseg_ext.models.losses.base import SegmentationLoss


@MODELS.register_module()
class BCEDiceLoss(SegmentationLoss):
    """``bce_weight`` x binary cross-entropy + 1 - mean Dice per image, both of sigmoids.

    Made for a single logit (``out_channels=1``): its sigmoid is the probability of class 1, defect, and label 0 is
    background. With C >= 2 channels each is asked "this class or not" by itself, background too,
    and both terms are averaged over the channels; the prediction remains the largest logit.
    """

    takes_single_logit = True
    indexes_by_label = False  # a single logit only asks which labels are 1

    def __init__(
        self,
        bce_weight: float = 0.5,
        smooth: float = 1e-5,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_bce_dice',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if smooth <= 0:
            raise ValueError(f'BCEDiceLoss: smooth={smooth} would divide 0 by 0 in an image without defects')
        self.bce_weight, self.smooth = bce_weight, smooth

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        bce = masked_binary_cross_entropy(logits, label, weight, ignore_index)
        return self.bce_weight * bce + 1 - binary_dice(logits, label, weight, ignore_index, self.smooth)

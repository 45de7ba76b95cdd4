"""Cross-entropy over the pixels that count, for exclusive classes (softmax) and for independent ones (sigmoid)."""

import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.functional.masking import in_range_label, masked_target, pixel_mask, valid_count


def masked_cross_entropy(
    logits: Tensor,
    label: Tensor,
    class_weight: Tensor | None = None,
    label_smoothing: float = 0.0,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Softmax cross-entropy, divided by the class weights of the valid pixels (by their number without any), 0-d.

    ``logits`` (N, C, H, W), ``label`` (N, H, W), ``class_weight`` (C,), ``weight`` (N, H, W) multiplies the
    pixels' terms and not the divisor. Without ``weight`` this is ``F.cross_entropy`` (torch), except that a batch
    of ignored pixels costs 0 and not NaN.
    """
    reduction = 'sum' if weight is None else 'none'
    terms = F.cross_entropy(logits, label, class_weight, None, ignore_index, None, reduction, label_smoothing)
    total = terms if weight is None else (terms * weight.to(terms.dtype)).sum()
    divisor = _class_mass(label, class_weight, ignore_index).to(total.dtype)
    return total / divisor.masked_fill(divisor == 0, 1)


def _class_mass(label: Tensor, class_weight: Tensor | None, ignore_index: int) -> Tensor:
    """Sum over the valid pixels of their class weight, 0-d."""
    valid = label != ignore_index
    if class_weight is None:
        return valid.count_nonzero()
    return class_weight.take(in_range_label(label, ignore_index)).mul(valid).sum()


def masked_binary_cross_entropy(
    logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
) -> Tensor:
    """Sigmoid cross-entropy of every channel against "the pixel is of this class", mean over channels and valid
    pixels, 0-d.

    ``logits`` (N, C, H, W) and ``label`` (N, H, W). C = 1 is the single logit of the two classes background (0)
    and defect (1). ``weight`` (N, H, W) multiplies the pixels' terms and not the divisor.
    """
    target = masked_target(
        label, logits.shape[1], pixel_mask(label, None, ignore_index, logits.dtype), ignore_index
    )
    mask = pixel_mask(label, weight, ignore_index, logits.dtype).unsqueeze(1)
    terms = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    count = valid_count(label, ignore_index) * logits.shape[1]
    return (terms * mask).sum() / count

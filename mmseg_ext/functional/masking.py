"""Which pixels count, and what they are: the two questions every loss asks of a label map."""

import torch
from torch import Tensor


def pixel_mask(label: Tensor, weight: Tensor | None, ignore_index: int, dtype: torch.dtype) -> Tensor:
    """(N, H, W) map of what each pixel counts: ``weight``, or 1 without one, and 0 where the label is ignored."""
    valid = label != ignore_index
    if weight is None:
        return valid.to(dtype)
    return weight.to(dtype).masked_fill(~valid, 0)


def valid_count(label: Tensor, ignore_index: int) -> Tensor:
    """Number of pixels that are not ignored, but 1 at least, since means are divided by it; 0-d int64."""
    return (label != ignore_index).count_nonzero().clamp_min(1)


def in_range_label(label: Tensor, ignore_index: int) -> Tensor:
    """``label`` with the ignored pixels turned into class 0, so that it can index a class dimension.

    Every other value stays as it is: a value outside the classes must reach the indexing, which refuses it
    (an IndexError on the CPU, a device-side assertion on an accelerator), instead of being clamped into a class.
    """
    return label.masked_fill(label == ignore_index, 0)


def masked_target(label: Tensor, num_channels: int, mask: Tensor, ignore_index: int) -> Tensor:
    """(N, C, H, W): ``mask`` in the channel of the pixel's class, 0 elsewhere; hence all zeros on ignored pixels.

    One channel is the binary case of a single logit: it holds ``mask`` where the label is 1.
    """
    if num_channels == 1:
        return (mask * (label == 1)).unsqueeze(1)
    target = mask.new_zeros(label.shape[0], num_channels, *label.shape[1:])
    return target.scatter_(1, in_range_label(label, ignore_index).unsqueeze(1), mask.unsqueeze(1))

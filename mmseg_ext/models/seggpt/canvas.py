"""What a training step of SegGPT looks at."""

from typing import NamedTuple

from torch import Tensor


class Canvas(NamedTuple):
    """N canvases, the prompt above its query, of H = 2S x W = S pixels."""

    images: Tensor  # (N, 3, H, W), normalised
    target: Tensor  # (N, 3, H, W), the painted labels, normalised
    masked: Tensor  # (N, L) bool, hidden patches of the target
    valid: Tensor  # (N, H, W), what each pixel counts in the loss, 0 where the target is not known
    painted: Tensor  # (N, 3, H, W), what the network makes of it
    palettes: Tensor  # (N, C, 3) RGB in 0..255

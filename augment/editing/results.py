"""What an edit gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.editing.targets import Target

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class EditResult:
    """One photograph edited towards one target.

    ``image`` (H, W, 3) uint8 RGB is what the model drew, not yet put together with the pixels of the photograph.
    ``mask`` (H, W) bool is where the attention to the words allowed the edit, None unless ``blend.by`` speaks of
    attention. ``latent`` and ``source_latent`` (4, H/8, W/8) fp32 are on the CPU; that of a pinned source is the
    photograph's own. ``source_image`` (H, W, 3) is the photograph as the model draws it again without an edit:
    from the inversion where that knows it, else from the source row (``stats['reconstruction']`` says which).
    """

    image: np.ndarray
    mask: np.ndarray | None
    latent: Tensor
    source_latent: Tensor
    source_image: np.ndarray
    target: Target
    stats: dict[str, Any] = field(default_factory=dict)

"""How the model is run: nothing here may change an edit by more than rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augment.errors import UsageError

if TYPE_CHECKING:
    import torch

PRECISIONS = ('auto', 'bf16', 'fp32')


@dataclass(frozen=True)
class Runtime:
    """Precision, memory and speed.

    ``dtype`` is the precision of the UNet alone (latents, guidance, null embeddings and VAE are fp32): ``auto`` is
    bf16 on a GPU that has it, else fp32. ``batch`` photographs go through the UNet together, each with all its
    targets. ``checkpointing`` recomputes activations in the backward pass. ``split_guidance`` edits one target of
    one photograph at a time, rows with and without a condition in calls of their own: at most two rows, against
    ``batch * (2 * targets + 1)``. ``compile`` compiles the UNet's repeated blocks.
    """

    dtype: str = 'auto'
    batch: int = 1
    checkpointing: bool = False
    split_guidance: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in PRECISIONS:
            raise UsageError(f'runtime.dtype: {self.dtype!r} is none of {", ".join(PRECISIONS)}')
        if self.batch < 1:
            raise UsageError(f'runtime.batch: {self.batch} is less than 1')

    def precision(self, device: torch.device) -> torch.dtype:
        """The precision of the UNet on ``device``."""
        import torch

        if self.dtype == 'auto':
            half = device.type == 'cuda' and torch.cuda.is_bf16_supported(including_emulation=False)
            return torch.bfloat16 if half else torch.float32
        return torch.bfloat16 if self.dtype == 'bf16' else torch.float32

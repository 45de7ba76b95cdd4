"""What one edit asks of the attention layers: which rows take over what from which, and until which step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augment.attention.align import Alignment, windows
from augment.attention.rows import Pair, Rows
from augment.attention.word_maps import WordMaps, coarse_size
from augment.config.settings import ControlSettings


@dataclass(frozen=True, eq=False)
class Takeover:
    """Cross-attention of R target rows, as weights of their values.

    ``targets`` (R,) and ``sources`` (R,) are rows. A target's result is its own attention to ``own`` (R, 1, 77, 1)
    times its values plus, inside the window, its source's attention to ``taken`` (R, 1, 77, 77) @ its values. This
    is prompt-to-prompt, since ``(e * (a * M_s P + (1 - a) * M)) V = M_s (P diag(a e) V) + M (diag((1 - a) e) V)``,
    and no map M of one row has to be written down.
    """

    targets: Tensor
    own: Tensor
    sources: Tensor | None = None
    taken: Tensor | None = None


def self_limit(settings: ControlSettings, latent_size: tuple[int, int]) -> float:
    """The largest number of tokens at which self-attention is replaced, for latents of (h, w)."""
    if settings.self_limit == 'all':
        return float('inf')
    height, width = coarse_size(latent_size)
    return height * width if settings.self_limit == 'auto' else settings.self_limit


class EditControl:
    """Prompt-to-prompt of B images with n targets each, told by its caller where an edit stands.

    Before every call of the UNet set ``step`` (0 is the noisiest) and ``rows``; ``rows = None`` leaves the call
    alone. Source rows and rows without a condition are never changed.

    Args:
        alignments: B lists of n.
        settings: Windows, limit of the self-attention.
        steps: DDIM steps of the edit.
        latent_size: (h, w).
        word_maps: Filled on the way, where given.
    """

    def __init__(
        self,
        alignments: Sequence[Sequence[Alignment]],
        settings: ControlSettings,
        steps: int,
        latent_size: tuple[int, int],
        word_maps: WordMaps | None = None,
    ) -> None:
        self.alignments, self.settings, self.word_maps = alignments, settings, word_maps
        self.cross_steps, self.self_steps = windows(settings, steps)
        self.self_limit = self_limit(settings, latent_size)
        self.step = 0
        self._rows: Rows | None = None
        self._pairs: list[Pair] = []
        self._tensors: dict[tuple, Takeover] = {}

    @property
    def rows(self) -> Rows | None:
        """The rows of the current call of the UNet."""
        return self._rows

    @rows.setter
    def rows(self, rows: Rows | None) -> None:
        if rows != self._rows:
            self._rows, self._tensors = rows, {}
            self._pairs = rows.pairs() if rows else []

    def needs_source(self, i: int) -> bool:
        """Whether at step ``i`` a layer reads the source row."""
        maps = self.word_maps is not None and self.word_maps.reads_source
        return maps or i < max(self.cross_steps, self.self_steps)

    def substitution(self, tokens: int, like: Tensor) -> Takeover | None:
        """Whose queries and keys self-attention to ``tokens`` takes at this step; None where it is left alone."""
        if not self._pairs or self.step >= self.self_steps or tokens > self.self_limit:
            return None
        return self._takeover(like, taken=True)

    def takeover(self, like: Tensor) -> Takeover | None:
        """How cross-attention is made at this step; None where it is left alone. On the device of ``like``."""
        taken = self.step < self.cross_steps
        if not self._pairs or not (taken or self.settings.equalizer_window == 'all'):
            return None
        return self._takeover(like, taken)

    def _takeover(self, like: Tensor, taken: bool) -> Takeover:
        key = (taken, like.device, like.dtype)
        if key not in self._tensors:
            self._tensors[key] = self._built(like, taken)
        return self._tensors[key]

    def _built(self, like: Tensor, taken: bool) -> Takeover:
        """Tensors for the targets of this call, made in float32."""
        targets = torch.tensor([pair.target_row for pair in self._pairs], device=like.device)
        factors, mix, projection = self._stacked()
        if not taken:
            return Takeover(targets, factors[:, None, :, None].to(like))
        sources = [pair.source_row for pair in self._pairs]
        if None in sources:
            raise ValueError(
                f'step {self.step} of an edit reads source rows, but rows.source is {self.rows.source}'
            )
        own, weights = (1 - mix) * factors, projection * (mix * factors)[:, None]
        return Takeover(
            targets,
            own[:, None, :, None].to(like),
            torch.tensor(sources, device=like.device),
            weights[:, None].to(like),
        )

    def _stacked(self) -> tuple[Tensor, ...]:
        """Equalizers (R, 77), mixes (R, 77) and projections (R, 77, 77) of the targets of this call."""
        alignments = [self.alignments[pair.image][pair.target] for pair in self._pairs]
        names = ('equalizer', 'mix', 'projection')
        return tuple(torch.stack([getattr(alignment, name) for alignment in alignments]) for name in names)

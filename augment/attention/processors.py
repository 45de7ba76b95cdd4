"""The attention of one layer: residual linear interpolation, and prompt-to-prompt.

All of it is scaled dot-product attention on changed queries, keys and values, so that the fast kernels do the work
and no attention map is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from augment.attention.control import EditControl, Takeover

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention


class ResidualProcessor:
    """Attention with residual linear interpolation, ``(1 - alpha) * attention + alpha * input``.

    The input is what the layer is given, the normalised hidden states; interpolation follows ``to_out``. With
    ``alpha`` 0 this is diffusers' AttnProcessor2_0, bit for bit, in the layers of SDXL's UNet.
    """

    def __init__(self, alpha: float = 0.0) -> None:
        self.alpha = alpha

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Attention of ``hidden_states`` (N, tokens, C) to ``encoder_hidden_states`` (N, 77, D), or to itself."""
        if attention_mask is not None:
            raise ValueError('stable diffusion XL is called without attention masks')
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        parts = attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context)
        query, key, value = (part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in parts)
        mixed = self.attend(query, key, value).transpose(1, 2).flatten(2)
        result = attn.to_out[1](attn.to_out[0](mixed))
        return torch.lerp(result, hidden_states, self.alpha) if self.alpha else result

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(N, heads, tokens, d) from queries, keys and values of that shape."""
        return F.scaled_dot_product_attention(query, key, value)


class ControlProcessor(ResidualProcessor):
    """The same under the control of an edit; ``place`` is 'up.self', 'down.cross' and so on."""

    def __init__(self, place: str, alpha: float, control: EditControl) -> None:
        super().__init__(alpha)
        self.place, self.control = place, control
        self.attend = self._attend_self if place.endswith('.self') else self._attend_cross

    def _attend_self(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Target rows look where their source looks: its queries and keys, their own values."""
        edit = self.control.substitution(query.shape[2], value)
        if edit is not None:
            query, key = (part.index_copy(0, edit.targets, part[edit.sources]) for part in (query, key))
        return super().attend(query, key, value)

    def _attend_cross(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Target rows look at known words as their source does, at new ones by themselves, times the factors."""
        rows, maps = self.control.rows, self.control.word_maps
        if rows is not None and maps is not None:
            maps.add(query, key, rows)
        edit = self.control.takeover(value)
        return super().attend(query, key, value) if edit is None else _aligned(query, key, value, edit)


def _aligned(query: Tensor, key: Tensor, value: Tensor, edit: Takeover) -> Tensor:
    """Cross-attention whose target rows are made as ``edit`` says; all other rows as ever."""
    values = value[edit.targets]
    result = F.scaled_dot_product_attention(query, key, value.index_copy(0, edit.targets, edit.own * values))
    if edit.taken is None:
        return result
    taken = F.scaled_dot_product_attention(query[edit.sources], key[edit.sources], edit.taken @ values)
    return result.index_add(0, edit.targets, taken)

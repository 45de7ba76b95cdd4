"""The head of CCNet; upstream's needs an operator of the compiled mmcv."""

from typing import Any

import torch
from mmcv.cnn import Scale
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_ext.functional.criss_cross import criss_cross_attention


class CrissCrossAttention(nn.Module):
    """``x + gamma * attention(x)`` over rows and columns; gamma is learnt from 0, so the block begins as identity.

    Weights have the names and shapes of mmcv's, whose checkpoints therefore load.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_conv = nn.Conv2d(channels, channels // 8, 1)
        self.key_conv = nn.Conv2d(channels, channels // 8, 1)
        self.value_conv = nn.Conv2d(channels, channels, 1)
        self.gamma = Scale(0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return x + self.gamma(criss_cross_attention(self.query_conv(x), self.key_conv(x), self.value_conv(x)))


@MODELS.register_module()
class CrissCrossHead(FCNHead):
    """CCNet's head (https://arxiv.org/abs/1811.11721): two convolutions with criss-cross attention between them.

    ``recurrence`` times the same attention: after two, every pixel has heard of all others. The other arguments
    are those of mmseg's ``FCNHead``, less ``num_convs``.
    """

    def __init__(self, recurrence: int = 2, **fcn_arguments: Any) -> None:
        super().__init__(num_convs=2, **fcn_arguments)
        if recurrence < 1:
            raise ValueError(f'CrissCrossHead: recurrence must be at least 1, got {recurrence}')
        self.recurrence = recurrence
        self.cca = CrissCrossAttention(self.channels)

    def _forward_feature(self, inputs: list[Tensor]) -> Tensor:
        """The features that are classified, (N, channels, H, W)."""
        x = self._transform_inputs(inputs)
        features = self.convs[0](x)
        for _ in range(self.recurrence):
            features = self.cca(features)
        features = self.convs[1](features)
        return self.conv_cat(torch.cat([x, features], dim=1)) if self.concat_input else features

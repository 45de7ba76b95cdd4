"""The heads of HrSegNet: one that doubles the size before it classifies, and auxiliary ones that do not."""

from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_ext.models.backbones.hrsegnet import HE_INITIAL, convolution


@MODELS.register_module()
class HrSegHead(BaseDecodeHead):
    """Normalisation and ReLU, a 3 x 3 convolution with the same behind it, a 1 x 1 convolution to the classes.

    Args:
        double: Whether that convolution is a transposed one of stride 2, so that classes are told apart at half of
            the image's size instead of a quarter: the head that predicts does, the auxiliary ones do not.
        options: Those of mmseg's BaseDecodeHead, ``in_channels``, ``channels``, ``num_classes`` and so on.
    """

    def __init__(self, double: bool = True, init_cfg: dict | None = HE_INITIAL, **options: Any) -> None:
        super().__init__(init_cfg=init_cfg, **options)
        self.first = nn.Sequential(nn.BatchNorm2d(self.in_channels), nn.ReLU())
        self.features = convolution(self.in_channels, self.channels)
        if double:
            self.features[0] = nn.ConvTranspose2d(self.in_channels, self.channels, 3, 2, 1, output_padding=1)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Logits (N, C, 2h, 2w) of a feature (N, in_channels, h, w), or (N, C, h, w) where it does not double."""
        return self.cls_seg(self.features(self.first(self._transform_inputs(inputs))))

"""HrSegNet: a light network that never leaves a quarter of the image's size, for cracks a few pixels wide."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

STAGES = 3
STEPS = 3  # convolutions on either path of a stage, each followed by a joint
# As the authors start: noise as wide as the inputs of a convolution call for, biases of 0.
HE_INITIAL = dict(type='Kaiming', layer='Conv2d', mode='fan_in')


def convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch normalisation and ReLU; (N, in, H, W) to (N, out, ceil(H / stride), …)."""
    # With a bias, although the normalisation takes it out again: the published parameter count holds it.
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class GuidedStage(nn.Module):
    """A high-resolution path of three convolutions, and a coarse one that guides it after each of them.

    Stage ``number`` of 1, 2, 3 has a coarse path of ``channels`` x 2^number channels at 1 / 2^number of the size.
    Features (N, channels, H, W) to the same shape.
    """

    def __init__(self, channels: int, number: int) -> None:
        super().__init__()
        coarse = channels * 2**number
        self.fine = nn.ModuleList(convolution(channels, channels) for _ in range(STEPS))
        self.coarse = nn.ModuleList([_way_down(channels, coarse, number)])
        self.coarse.extend(convolution(coarse, coarse) for _ in range(STEPS - 1))
        self.guides = nn.ModuleList(nn.Conv2d(coarse, channels, 1) for _ in range(STEPS))

    def forward(self, fine: Tensor) -> Tensor:
        coarse, size = fine, fine.shape[2:]
        for fine_step, coarse_step, guide in zip(self.fine, self.coarse, self.guides, strict=True):
            fine, coarse = fine_step(fine), coarse_step(coarse)
            # The 1 x 1 convolution and the enlargement commute, and at the coarse size the former is cheaper.
            fine = fine + F.interpolate(guide(coarse), size, mode='bilinear', align_corners=True)
        return fine


def _way_down(channels: int, coarse: int, number: int) -> nn.Sequential:
    """``number`` halvings: by a convolution, from stage 2 on an average before it, in stage 3 one more after."""
    # Only pixels of the image enter an average, as in the authors' framework.
    pool = [nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)] if number >= 2 else []
    further = [convolution(coarse, coarse, stride=2) for _ in range(number - 2)]
    return nn.Sequential(*pool, convolution(channels, coarse, stride=2), *further)


@MODELS.register_module()
class HrSegNet(BaseModule):
    """Backbone of Li et al. 2023 (https://arxiv.org/abs/2307.00270), after the authors' code.

    Two convolutions of stride 2, then three stages at a quarter of the image's size, in each of which a coarse
    path says what the fine one shows. Sides of any length: an odd one is halved upwards.

    Args:
        in_channels: Channels of the images.
        base_channels: Channels of the fine path; 16, 32 and 48 are the published B16, B32 and B48.
        init_cfg: As of mmengine's BaseModule.
    """

    def __init__(self, in_channels: int = 3, base_channels: int = 16, init_cfg: dict | None = HE_INITIAL) -> None:
        super().__init__(init_cfg)
        half = base_channels // 2
        self.stem = nn.Sequential(convolution(in_channels, half, 2), convolution(half, base_channels, 2))
        self.stages = nn.ModuleList(GuidedStage(base_channels, number + 1) for number in range(STAGES))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, base_channels, H / 4, W / 4) from every stage, first to last, of images (N, in_channels, H, W)."""
        features = [self.stem(images)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return tuple(features[1:])

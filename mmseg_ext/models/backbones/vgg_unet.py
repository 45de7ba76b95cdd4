"""U-Net as crack segmentation uses it: plain blocks of two convolutions, bilinear enlargement, full resolution."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

LEVELS = 5
SMALLEST = 2 ** (LEVELS - 1)  # pixels of a side that the halvings leave one of


class VGGBlock(nn.Sequential):
    """Twice a 3 x 3 convolution, batch normalisation and ReLU; (N, in, H, W) to (N, out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(*_convolution(in_channels, out_channels), *_convolution(out_channels, out_channels))


def _convolution(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    # With a bias, although the normalisation takes it out again: the published parameter counts hold it.
    return nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)


class UNetBackbone(BaseModule):
    """What the networks of this family share: the way down, the joints between two levels, images of any size.

    Level k of 0..4 has ``base_channels`` x 2^k channels at 1 / 2^k of the image's size; an odd side is halved
    downwards, and what comes from below is enlarged to the very size of what it joins. So sides need not be
    multiples of 16, but those that are lose no row in the halvings.

    Args:
        in_channels: Channels of the images.
        base_channels: Channels of the finest level; 32 is the published width.
        init_cfg: As of mmengine's BaseModule; None leaves the initial weights to torch.
    """

    def __init__(self, in_channels: int = 3, base_channels: int = 32, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.channels = tuple(base_channels * 2**level for level in range(LEVELS))
        before = (in_channels, *self.channels[:-1])
        self.encoder = nn.ModuleList(map(VGGBlock, before, self.channels))

    def encode(self, images: Tensor) -> list[Tensor]:
        """Features of every level, finest first. ValueError for images that the halvings leave nothing of."""
        if min(images.shape[2:]) < SMALLEST:
            height, width = images.shape[2:]
            raise ValueError(
                f'{type(self).__name__}: an image of {height} x {width} px, but four halvings need {SMALLEST} px '
                'a side; use larger crops or pad the images (data_preprocessor.test_cfg.size_divisor)'
            )
        features = [self.encoder[0](images)]
        for block in self.encoder[1:]:
            features.append(block(F.max_pool2d(features[-1], 2)))
        return features


def joined(below: Tensor, *beside: Tensor) -> Tensor:
    """Features of one level, with those from below enlarged to their size behind them, along the channels."""
    return torch.cat([*beside, enlarged(below, beside[0])], 1)


def enlarged(below: Tensor, like: Tensor) -> Tensor:
    """``below`` (N, C, h, w) at the size of ``like`` (N, any, H, W), bilinear with aligned corners."""
    return F.interpolate(below, like.shape[2:], mode='bilinear', align_corners=True)


@MODELS.register_module()
class VGGUNet(UNetBackbone):
    """U-Net (Ronneberger, Fischer & Brox 2015, https://arxiv.org/abs/1505.04597) of VGG blocks.

    The variant that UNet++ is compared with (Zhou et al. 2018), 32 to 512 channels: 7,852,512 parameters, and
    7,852,545 with a 1 x 1 convolution to one logit.
    """

    def __init__(self, in_channels: int = 3, base_channels: int = 32, init_cfg: dict | None = None) -> None:
        super().__init__(in_channels, base_channels, init_cfg)
        self.decoder = nn.ModuleList(
            VGGBlock(self.channels[level] + self.channels[level + 1], self.channels[level])
            for level in range(LEVELS - 1)
        )

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """(N, base_channels, H, W) of images (N, in_channels, H, W), as a tuple of one."""
        features = self.encode(images)
        below = features.pop()
        for level in reversed(range(LEVELS - 1)):
            below = self.decoder[level](self.joint(level, features[level], below))
        return (below,)

    def joint(self, level: int, skip: Tensor, below: Tensor) -> Tensor:
        """What the decoder of ``level`` sees of the encoder (``skip``) and of the level below it."""
        return joined(below, skip)


class AttentionGate(nn.Module):
    """Additive attention of Oktay et al. 2018 (https://arxiv.org/abs/1804.03999): which pixels of a skip pass.

    ``skip`` (N, C, H, W) times a map in 0..1 that ``signal`` (N, 2C, H, W), features from below at the same size,
    and ``skip`` itself decide over C / 2 channels between.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        between = channels // 2
        self.signal = nn.Sequential(nn.Conv2d(2 * channels, between, 1), nn.BatchNorm2d(between))
        self.skip = nn.Sequential(nn.Conv2d(channels, between, 1), nn.BatchNorm2d(between))
        self.attention = nn.Sequential(nn.Conv2d(between, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, skip: Tensor, signal: Tensor) -> Tensor:
        return skip * self.attention(F.relu(self.signal(signal) + self.skip(skip)))


@MODELS.register_module()
class AttentionUNet(VGGUNet):
    """VGGUNet with an attention gate in each of its four skips.

    Attention U-Net is published in several forms; this one differs from VGGUNet in the gates alone, so that a
    comparison tells what they do: 132,252 parameters more, 7,984,797 with one logit.
    """

    def __init__(self, in_channels: int = 3, base_channels: int = 32, init_cfg: dict | None = None) -> None:
        super().__init__(in_channels, base_channels, init_cfg)
        self.gates = nn.ModuleList(map(AttentionGate, self.channels[:-1]))

    def joint(self, level: int, skip: Tensor, below: Tensor) -> Tensor:
        """As of VGGUNet, of the part of ``skip`` that the gate lets through."""
        signal = enlarged(below, skip)
        return torch.cat([self.gates[level](skip, signal), signal], 1)


@MODELS.register_module()
class NestedUNet(UNetBackbone):
    """UNet++ (Zhou et al. 2018, https://arxiv.org/abs/1807.10165): blocks in every gap between the two sides.

    A block x[level][step] sees all earlier blocks of its level and the one before it from below. The four finest
    ones come out, so that a DeepSupervisionHead can learn from each; a head that takes the last alone makes the
    9,163,329 parameters of the network without supervision, with one logit.
    """

    def __init__(self, in_channels: int = 3, base_channels: int = 32, init_cfg: dict | None = None) -> None:
        super().__init__(in_channels, base_channels, init_cfg)
        self.nested = nn.ModuleDict(
            {
                f'{level}_{step}': VGGBlock(
                    step * self.channels[level] + self.channels[level + 1], self.channels[level]
                )
                for step in range(1, LEVELS)
                for level in range(LEVELS - step)
            }
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Four features (N, base_channels, H, W) of images (N, in_channels, H, W), the deepest last."""
        rows: Sequence[list[Tensor]] = [[feature] for feature in self.encode(images)]
        for step in range(1, LEVELS):
            for level in range(LEVELS - step):
                block = self.nested[f'{level}_{step}']
                rows[level].append(block(joined(rows[level + 1][step - 1], *rows[level])))
        return tuple(rows[0][1:])

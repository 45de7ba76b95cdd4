"""mmseg's U-Net for images of uneven exposure."""

from mmseg.models import UNet
from mmseg.registry import MODELS
from torch import Tensor

EPS = 0.01  # in squared standard deviations of ImageNet: an image without contrast is not blown up to noise


@MODELS.register_module()
class StandardizedUNet(UNet):
    """UNet that brings each image to mean 0 and deviation 1 before it looks at it; arguments as of UNet.

    Where exposures differ from picture to picture, their brightness varies more than a defect differs from its
    surroundings. A network from scratch first has to learn to see past that, and batch statistics do not help,
    because they are those of the brightness. Mean and deviation are those of all channels together, so that
    colours stay, over the image (or crop, or tile) as it comes; so a network can be exported with it.
    """

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of UNet, coarsest first, of images (N, 3, H, W)."""
        return super().forward(standardize(images))


def standardize(images: Tensor, eps: float = EPS) -> Tensor:
    """Images (N, C, H, W) less their own mean, over their own deviation ((var + eps) ** 0.5): layer normalisation
    of Ba et al. 2016 (https://arxiv.org/abs/1607.06450) without its affine part, for any size.
    """
    centred = images - images.mean((1, 2, 3), keepdim=True)
    return centred / (centred.square().mean((1, 2, 3), keepdim=True) + eps).sqrt()

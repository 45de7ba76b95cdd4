"""Photographs and labels in the terms of SegGPT's network: normalised images, labels painted alike."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.colour_code import colour_logits, colourise
from mmseg_ext.models.seggpt.colours import Colours
from mmseg_ext.models.seggpt.prompts import Prompts

IGNORED = 255


class Paint:
    """Paints for a network of S x S pixels in ``colours``, normalised as its ``preprocessor`` does.

    UsageError for a preprocessor without mean and std: labels need them as photographs do.
    """

    def __init__(self, preprocessor: nn.Module, colours: Colours, size: int) -> None:
        if getattr(preprocessor, 'mean', None) is None:
            raise UsageError(
                'SegGPTSegmentor: data_preprocessor needs mean and std; labels are painted with them too'
            )
        self.preprocessor, self.colours, self.size = preprocessor, colours, size

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation (3,) of the channels."""
        return self.preprocessor.mean.flatten(), self.preprocessor.std.flatten()

    @property
    def palette(self) -> Tensor:
        """The colours (C, 3) of prediction, on the device of the network."""
        return self.colours.standing().to(self.preprocessor.mean)

    def photographs(self, images: Tensor) -> Tensor:
        """(N, 3, h, w) uint8 BGR as the network takes them, at their size."""
        images = images.flip(1) if self.preprocessor._channel_conversion else images
        return (images.to(self.preprocessor.mean) - self.preprocessor.mean) / self.preprocessor.std

    def labels(self, labels: Tensor, palettes: Tensor) -> Tensor:
        """(N, H, W) class indices in normalised colours (N, 3, H, W) of the ``palettes`` (N, C, 3)."""
        return (colourise(labels, palettes, IGNORED) - self.preprocessor.mean) / self.preprocessor.std

    def logits(self, painted: Tensor, palettes: Tensor) -> Tensor:
        """(N, C, H, W) of what the network has painted, (N, 3, H, W), in ``palettes`` (N, C, 3)."""
        return colour_logits(self.colours_of(painted), palettes)

    def colours_of(self, painted: Tensor) -> Tensor:
        """Normalised colours (N, 3, H, W) as RGB in 0..255."""
        return (painted.float() * self.preprocessor.std + self.preprocessor.mean).clamp(0, 255)

    def prompts(self, images: Sequence[Tensor], labels: Sequence[Tensor]) -> Prompts:
        """Prompts of photographs (3, h, w) uint8 BGR and their labels (h, w), any size each, resized to S x S.

        UsageError for a label that has another size than its photograph.
        """
        check_sizes(images, labels)
        palette = self.palette
        seen = [resized(self.photographs(image[None].to(palette.device)), self.size) for image in images]
        size = (self.size, self.size)
        flat = [F.interpolate(label[None, None].float(), size, mode='nearest-exact')[0] for label in labels]
        stacked = torch.cat(flat).to(palette.device)
        painted = self.labels(stacked, palette.expand(len(stacked), -1, -1))
        return Prompts(torch.cat(seen), painted, palette, *self.statistics)

    def check(self, prompts: Prompts) -> None:
        """UsageError for prompts of another size, of other classes, or normalised in another way."""
        mean, std = self.statistics
        if prompts.size != self.size:
            raise UsageError(f'prompts of {prompts.size} px, the network takes {self.size}; use those made for it')
        if len(prompts.palette) != self.colours.num_classes:
            raise UsageError(
                f'prompts of {len(prompts.palette)} classes, the model has {self.colours.num_classes}; use those '
                'made for it'
            )
        if not (torch.allclose(prompts.mean.to(mean), mean) and torch.allclose(prompts.std.to(std), std)):
            raise UsageError(
                f'prompts normalised with mean {prompts.mean.tolist()} and std {prompts.std.tolist()}, the model '
                f'with {mean.tolist()} and {std.tolist()}; use those made for it'
            )


def check_sizes(images: Sequence[Tensor], labels: Sequence[Tensor]) -> None:
    """UsageError for a label that has another size than its photograph."""
    for image, label in zip(images, labels, strict=True):
        if image.shape[1:] != label.shape:
            (height, width), found = image.shape[1:], label.shape
            raise UsageError(
                f'a prompt of {width} x {height} px has a label of {found[1]} x {found[0]} px; '
                'give each photograph its own label'
            )


def resized(images: Tensor, size: int) -> Tensor:
    """Photographs (N, 3, H, W) as (N, 3, size, size), resized as SegGPT's authors do: bicubic, no aliasing."""
    if tuple(images.shape[2:]) == (size, size):
        return images
    return F.interpolate(images, (size, size), mode='bicubic', align_corners=False, antialias=True)

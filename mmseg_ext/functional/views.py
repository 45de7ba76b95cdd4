"""An image seen in several ways, and the mean of what is made of these views."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class View(NamedTuple):
    """One way to see an image: mirrored left to right (``flip``), top to bottom (``vflip``), or at ``scale``."""

    flip: bool = False
    vflip: bool = False
    scale: float = 1.0

    def of(self, images: Tensor, multiple: int) -> Tensor:
        """Images (N, C, H, W) seen so, (N, C, h, w).

        Where the scale is not 1, h and w are the multiples of ``multiple`` nearest to what it asks for, at least
        one of them, and the images are filtered as they shrink, so that thin lines fade instead of breaking up.
        """
        if self.scale != 1:
            size = [max(round(side * self.scale / multiple), 1) * multiple for side in images.shape[2:]]
            images = F.interpolate(images, size, mode='bilinear', align_corners=False, antialias=True)
        return images.flip(self._axes) if self._axes else images

    def back(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps (N, K, h, w) of what is seen so, as maps (N, K, *size) of the images themselves."""
        maps = maps.flip(self._axes) if self._axes else maps
        if tuple(maps.shape[2:]) == size:
            return maps
        return F.interpolate(maps, size, mode='bilinear', align_corners=False)

    @property
    def _axes(self) -> list[int]:
        return [axis for axis, mirrored in ((3, self.flip), (2, self.vflip)) if mirrored]


def mean_logits(logits: Iterable[Tensor]) -> Tensor:
    """Logits (N, K, H, W) float32 whose probabilities are the mean of those of all ``logits`` (N, K, H, W).

    The probabilities are a softmax over the K classes, the sigmoid where K is 1. The sums are formed of
    logarithms: no probability is rounded to 0 or 1 on the way, however large the logits are. They are drawn one
    at a time. ValueError when there are none.
    """
    total, single = None, False
    for each in logits:
        single = each.shape[1] == 1
        # A single logit is the difference of two, of which the first may be 0.
        both = torch.cat([torch.zeros_like(each), each], 1) if single else each
        seen = both.float().log_softmax(1)
        total = seen if total is None else torch.logaddexp(total, seen)
    if total is None:
        raise ValueError('there are no logits to form a mean of')
    return total[:, 1:] - total[:, :1] if single else total

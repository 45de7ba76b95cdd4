"""Pictures of what SegGPT was shown, what it painted, and what that means."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.functional.colour_code import colourise
from mmseg_ext.functional.patch_masks import half_mask, pixels_of
from mmseg_ext.models.seggpt.canvas import Canvas
from mmseg_ext.models.seggpt.paint import IGNORED, Paint, resized
from mmseg_ext.models.seggpt.prompts import Prompts

GAP = 4  # white pixels between two panels
HIDDEN = 128.0  # the grey of patches that the network does not see


def draw_panels(canvas: Canvas, paint: Paint) -> Iterator[np.ndarray]:
    """For each canvas one picture (2S, 5S + gaps, 3) uint8 RGB, the prompt above its query in each panel.

    The panels are the images, the painted labels as the network sees them (hidden patches grey), the painted
    labels, what the network paints on the hidden patches, and the colours nearest to that everywhere.
    """
    images, target, painted = map(paint.colours_of, (canvas.images, canvas.target, canvas.painted))
    hidden = pixels_of(canvas.masked, target.shape[2:])
    decoded = colourise(paint.logits(canvas.painted, canvas.palettes).argmax(1), canvas.palettes)
    grey = torch.full_like(target, HIDDEN)
    panels = images, grey.where(hidden, target), target, painted.where(hidden, target), decoded
    gap = torch.full_like(target[..., :GAP], 255)
    pieces = [piece for panel in panels for piece in (gap, panel)][1:]
    for picture in torch.cat(pieces, dim=3).round().byte().permute(0, 2, 3, 1):
        yield picture.cpu().numpy()


def asked_canvas(query: Tensor, label: Tensor, prompts: Prompts, painted: Tensor, paint: Paint) -> Canvas:
    """The canvas of a prediction, with the first of its prompts.

    ``query`` (1, 3, H, W) is normalised, ``label`` (1, h, w) class indices, ``painted`` (1, 3, 2S, S).
    """
    size = (paint.size, paint.size)
    label = F.interpolate(label[None].float(), size, mode='nearest-exact')[0]
    palettes = prompts.palette[None]
    target = torch.cat([prompts.targets[:1], paint.labels(label, palettes)], dim=2)
    images = torch.cat([prompts.images[:1], resized(query, paint.size)], dim=2)
    valid = torch.cat([torch.zeros_like(label), (label != IGNORED).float()], dim=1)
    masked = half_mask(1, (2, 1)).to(query.device)  # of two patches as large as the images
    return Canvas(images, target, masked, valid, painted, palettes)

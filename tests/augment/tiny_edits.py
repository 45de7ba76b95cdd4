"""Photographs, regions and settings of edits that the tiny model makes in a moment."""

from contextlib import contextmanager
from dataclasses import replace

import torch
from defect_labels import discs

from augment.config.settings import EditSettings, InversionSettings
from augment.regions.region import edit_region

STEPS = 4


def photographs(count=1):
    """Photographs of 128 x 128 pixels with a disc each, and the regions around the discs."""
    pairs = [discs((128, 128), [(50 + 20 * k, 40 + 30 * k)]) for k in range(count)]
    return [image for image, _ in pairs], [edit_region(label, 16) for _, label in pairs]


def edit_settings(method='npi', steps=STEPS, guidance=7.5, inversion=(), **rooms):
    """Settings of a few steps; ``rooms`` are changes to control, blend and so on."""
    base = EditSettings(steps=steps, guidance=guidance, inversion=InversionSettings(method, **dict(inversion)))
    return replace(base, **{room: replace(getattr(base, room), **changes) for room, changes in rooms.items()})


@contextmanager
def counted_rows(unet):
    """How many rows each call of the UNet has."""
    rows = []
    hook = unet.register_forward_pre_hook(lambda module, args: rows.append(len(args[0])))
    try:
        yield rows
    finally:
        hook.remove()


def same(first, second):
    """Whether two tensors are equal, bit for bit."""
    return torch.equal(first, second)


def cells(region):
    """Which latents a region of pixels touches, (h, w) bool, block by block."""
    height, width = region.shape
    return torch.from_numpy(region.reshape(height // 8, 8, width // 8, 8).any(axis=(1, 3)))

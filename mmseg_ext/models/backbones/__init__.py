"""Backbones that mmseg lacks or cannot run here."""

from mmseg_ext.models.backbones.beit import ResizableBEiT
from mmseg_ext.models.backbones.standardized_unet import StandardizedUNet

__all__ = ['ResizableBEiT', 'StandardizedUNet']

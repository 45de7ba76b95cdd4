"""Backbones that mmseg lacks or cannot run here."""

from mmseg_ext.models.backbones.beit import ResizableBEiT
from mmseg_ext.models.backbones.hrsegnet import HrSegNet
from mmseg_ext.models.backbones.standardized_unet import StandardizedUNet
from mmseg_ext.models.backbones.vgg_unet import AttentionUNet, NestedUNet, VGGUNet

__all__ = ['AttentionUNet', 'HrSegNet', 'NestedUNet', 'ResizableBEiT', 'StandardizedUNet', 'VGGUNet']

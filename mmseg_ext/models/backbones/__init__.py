"""Backbones that mmseg lacks or cannot run here."""

from mmseg_ext.models.backbones.beit import ResizableBEiT

__all__ = ['ResizableBEiT']

"""Transforms registered in mmseg's registry."""

from .defect_crop import DefectCrop

__all__ = ['DefectCrop']

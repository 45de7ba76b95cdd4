"""Transforms registered in mmseg's registry."""

from .defect_crop import DefectCrop
from .load_pair import LoadPair
from .photometric import TablePhotoMetricDistortion

__all__ = ['DefectCrop', 'LoadPair', 'TablePhotoMetricDistortion']

"""Transforms registered in mmseg's registry."""

from .albumentation import Albumentation
from .defect_crop import DefectCrop
from .load_pair import LoadPair
from .photometric import TablePhotoMetricDistortion

__all__ = ['Albumentation', 'DefectCrop', 'LoadPair', 'TablePhotoMetricDistortion']

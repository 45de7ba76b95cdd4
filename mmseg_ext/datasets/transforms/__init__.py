"""Transforms registered in mmseg's registry."""

from .albumentation import Albumentation
from .defect_crop import DefectCrop
from .load_pair import LoadPair
from .min_max_image import MinMaxImage
from .photometric import TablePhotoMetricDistortion

__all__ = ['Albumentation', 'DefectCrop', 'LoadPair', 'MinMaxImage', 'TablePhotoMetricDistortion']

"""Transforms registered in mmseg's registry."""

from .albumentation import Albumentation
from .class_copy_paste import ClassCopyPaste
from .defect_crop import DefectCrop
from .load_pair import LoadPair
from .min_max_image import MinMaxImage
from .photometric import TablePhotoMetricDistortion
from .signed_distance import SignedDistance

__all__ = [
    'Albumentation',
    'ClassCopyPaste',
    'DefectCrop',
    'LoadPair',
    'MinMaxImage',
    'SignedDistance',
    'TablePhotoMetricDistortion',
]

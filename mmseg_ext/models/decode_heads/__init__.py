"""Decode heads that mmseg lacks or cannot run here."""

from mmseg_ext.models.decode_heads.criss_cross_head import CrissCrossHead
from mmseg_ext.models.decode_heads.deep_supervision_head import DeepSupervisionHead
from mmseg_ext.models.decode_heads.hrseg_head import HrSegHead

__all__ = ['CrissCrossHead', 'DeepSupervisionHead', 'HrSegHead']

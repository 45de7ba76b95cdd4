"""Decode heads that mmseg lacks or cannot run here."""

from mmseg_ext.models.decode_heads.criss_cross_head import CrissCrossHead

__all__ = ['CrissCrossHead']

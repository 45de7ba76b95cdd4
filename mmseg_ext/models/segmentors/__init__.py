"""Whole networks, registered into mmseg's MODELS."""

from mmseg_ext.models.segmentors.lean_encoder_decoder import LeanEncoderDecoder
from mmseg_ext.models.segmentors.seggpt_segmentor import SegGPTSegmentor
from mmseg_ext.models.segmentors.smp_segmentor import LogitsHead, SMPSegmentor

__all__ = ['LeanEncoderDecoder', 'LogitsHead', 'SMPSegmentor', 'SegGPTSegmentor']

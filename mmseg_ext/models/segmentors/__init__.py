"""Whole networks, registered into mmseg's MODELS."""

from mmseg_ext.models.segmentors.lean_encoder_decoder import LeanEncoderDecoder

__all__ = ['LeanEncoderDecoder']

"""Parts of networks, registered into mmseg's MODELS by importing this package."""

import mmseg_ext.upstream  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.models import backbones, data_preprocessor, decode_heads, losses, segmentors

__all__ = ['backbones', 'data_preprocessor', 'decode_heads', 'losses', 'segmentors']

"""Parts of networks, registered into mmseg's MODELS by importing this package."""

import mmseg_ext.upstream  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.models import backbones, decode_heads, losses

__all__ = ['backbones', 'decode_heads', 'losses']

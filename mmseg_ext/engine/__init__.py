"""Everything between a config file and a result: overrides, checks, training, judging."""

import mmseg_ext.upstream  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.engine import checkpoint, hooks, layer_decay, loops

__all__ = ['checkpoint', 'hooks', 'layer_decay', 'loops']

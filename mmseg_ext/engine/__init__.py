"""Everything between a config file and a result: overrides, checks, training, judging."""

import mmseg_ext.upstream
from mmseg_ext.engine import checkpoint, hooks

__all__ = ['checkpoint', 'hooks', 'mmseg_ext']

"""A hook that holds a run in the middle, so that a test can do something to it there and then.

In a recipe: custom_imports with 'hold_hook', and custom_hooks = [dict(type='HoldHook', after=6, until='go')]
"""

import time
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmseg_ext.engine import interrupt


@HOOKS.register_module()
class HoldHook(Hook):
    """Waits after iteration ``after`` until the file ``until`` exists, or somebody asks the run to stop."""

    def __init__(self, after: int, until: str) -> None:
        self.after, self.until = after, Path(until)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        while runner.iter == self.after and not self.until.exists() and not interrupt.requested():
            time.sleep(0.02)

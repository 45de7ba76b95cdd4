"""Record the losses of every iteration without reading them in every iteration."""

from typing import Any

from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.engine.hooks.recent import RecentTerms


@HOOKS.register_module()
class DeferredInfoHook(RuntimeInfoHook):
    """RuntimeInfoHook, the same record in the end, but losses are read only when somebody wants to know them.

    That is before a line of the log (ShortLogProcessor calls ``before_log``), before a checkpoint, before a
    validation and at the end. mmengine reads every term in every iteration.
    """

    def __init__(self) -> None:
        self.terms = RecentTerms()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        self.terms.add(outputs or {})

    def before_log(self, runner: Runner) -> None:
        """Called by ShortLogProcessor."""
        self._record(runner)

    def before_save(self, runner: Runner) -> None:
        """Called by AtomicCheckpointHook."""
        self._record(runner)

    def before_val(self, runner: Runner) -> None:
        self._record(runner)
        super().before_val(runner)

    def after_train(self, runner: Runner) -> None:
        self._record(runner)
        super().after_train(runner)

    def _record(self, runner: Runner) -> None:
        for terms in self.terms.read():
            runner.message_hub.update_scalars({f'train/{name}': value for name, value in terms.items()})

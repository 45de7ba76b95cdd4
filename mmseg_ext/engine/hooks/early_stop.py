"""End a training that no longer gets better."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.errors import UsageError


@HOOKS.register_module()
class EarlyStopHook(Hook):
    """Ends the training after ``patience`` validations in a row without a better ``monitor``.

    The training then ends as it would at its last iteration: the last weights are saved, the best are judged. Best
    value and count are part of every checkpoint, so that a resumed run stops where an uninterrupted one would, and
    one that has stopped trains no further.

    Args:
        monitor: name of a validation score; ``val_loss`` needs the LossValLoop.
        patience: validations to wait. A value that is equal or NaN is not better.
        rule: ``less`` or ``greater``: which way is better.
    """

    priority = 'LOW'  # before AtomicCheckpointHook, which saves what is counted here

    def __init__(self, monitor: str = 'val_loss', patience: int = 25, rule: str = 'less') -> None:
        if patience < 1:
            raise ValueError(f'need patience >= 1, got {patience}')
        if rule not in ('greater', 'less'):
            raise ValueError(f"rule must be 'greater' or 'less', got {rule!r}")
        self.monitor, self.patience, self.rule = monitor, patience, rule

    def before_train(self, runner: Runner) -> None:
        runner.train_loop.stop_training = runner.message_hub.get_info('stopped_early', False)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not metrics or self.monitor not in metrics:
            measured = ', '.join(metrics or ())
            raise UsageError(
                f'EarlyStopHook: monitor={self.monitor!r} is not measured; the metrics are {measured}'
            )
        hub, score = runner.message_hub, float(metrics[self.monitor])
        best = hub.get_info('early_stop_best')
        if score == score and (best is None or (score > best if self.rule == 'greater' else score < best)):
            hub.update_info('early_stop_best', score)
            hub.update_info('early_stop_waited', 0)
            return
        waited = hub.get_info('early_stop_waited', 0) + 1
        hub.update_info('early_stop_waited', waited)
        if waited >= self.patience:
            self._stop(runner)

    def _stop(self, runner: Runner) -> None:
        hub = runner.message_hub
        hub.update_info('stopped_early', True)
        runner.train_loop.stop_training = True
        runner.logger.info(
            f'stopped after iteration {runner.iter}: {self.monitor} has not been better than '
            f'{hub.get_info("early_stop_best", float("nan")):.4g} for {self.patience} validations'
        )

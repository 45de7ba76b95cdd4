"""One set of running statistics for all processes of a run."""

from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class AverageBuffersHook(Hook):
    """Averages buffers (BatchNorm statistics) over the processes before every validation and at the end.

    Gradients keep the weights of all processes identical; plain BatchNorm statistics see only their own images,
    so without this each process would validate a slightly different model.
    """

    priority = 'HIGH'

    def before_val_epoch(self, runner: Runner) -> None:
        self._average(runner)

    def after_train(self, runner: Runner) -> None:
        self._average(runner)

    def _average(self, runner: Runner) -> None:
        if get_world_size() > 1:
            all_reduce_params(
                (buffer for buffer in runner.model.buffers() if buffer.is_floating_point()), op='mean'
            )

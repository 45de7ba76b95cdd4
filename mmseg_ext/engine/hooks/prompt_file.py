"""Keep what in-context tuning has learnt as the small file that it is."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.engine.unwrapped import unwrapped
from mmseg_ext.errors import UsageError

FILE = 'prompt.safetensors'


@HOOKS.register_module()
class PromptFileHook(Hook):
    """Writes ``<work_dir>/ckpt/prompt.safetensors``: the learnt prompt of the best weights so far.

    Without a validation that has chosen any it is that of the last weights. tools/predict.py takes the file
    (``--prompt``) together with the network that it was learnt for.

    Raises:
        UsageError: a model that learns no prompt, or learns it for an untrained network.
    """

    priority = 'LOWEST'  # after the hook that decides which weights are the best

    def before_train(self, runner: Runner) -> None:
        model = unwrapped(runner.model)
        if getattr(model, 'learnable', None) is None:
            raise UsageError(
                f'PromptFileHook: {type(model).__name__} learns no prompt; model.mode=incontext, or leave it out'
            )
        if is_main_process() and not runner.message_hub.get_info('pretrained'):
            raise UsageError(
                'in-context tuning needs a network that follows prompts, and this one is untrained; '
                '--cfg-options model.network.pretrained=<file of weights, such as the checkpoint of a fine-tuning>'
            )

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if runner.message_hub.get_info('best_iteration') == runner.iter:
            self._write(runner)

    def after_train(self, runner: Runner) -> None:
        if runner.message_hub.get_info('best_iteration') is None:
            self._write(runner)

    def _write(self, runner: Runner) -> None:
        if is_main_process():
            classes = runner.visualizer.dataset_meta['classes']
            unwrapped(runner.model).learnt_prompts(classes).save(Path(runner.work_dir, 'ckpt', FILE))

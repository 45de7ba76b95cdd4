"""Validate and keep an average of the weights over the last steps of a training."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mmseg_ext.engine.unwrapped import unwrapped

TRAINED = 'trained_state_dict'  # the weights that the optimiser works on, in a checkpoint that holds the average
COUNT = 'averaged_steps'


@HOOKS.register_module()
class AveragedWeightsHook(Hook):
    """Puts an exponential moving average (EMA) in place of the weights wherever they are judged or saved.

    One line switches it on: ``--cfg-options +default_hooks.ema.type=AveragedWeightsHook``. The training itself
    goes on unchanged. After step t (0 is the first)::

        average = d_t average + (1 - d_t) weights,   d_t = min(decay, (1 + t) / (10 + t))

    The second term of the minimum keeps the first weights of a short run from lasting (the rule of TensorFlow's
    ``ExponentialMovingAverage`` with ``num_updates``; Polyak and Juditsky 1992 for averaging as such). Buffers are
    averaged too, so that the statistics of BatchNorm are as old as the weights they belong to; whole numbers among
    them are copied. With accumulated gradients a step is one group.

    Validations, and with them ``val_loss``, early ends and plateaus, see the average; the best checkpoint holds it
    and nothing else, so that testing, prediction and export use it; ``iter_N.pth`` also holds the weights that the
    optimiser works on, from which a resumed run goes on.

    Args:
        decay: share of the old average that a step leaves, 0 < decay < 1. 0.999 looks back about 1000 steps.
    """

    priority = 20  # the average is in place before AverageBuffersHook, and out again before anything is saved

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 < decay < 1:
            raise ValueError(f'need 0 < decay < 1, got {decay}')
        self.decay = decay
        self.average: dict[str, Tensor] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """A resumed run: the average is what was saved as its weights, the training goes on from the others."""
        if runner._resume and TRAINED in checkpoint:
            self.average = dict(checkpoint['state_dict'])
            checkpoint['state_dict'].update(checkpoint.pop(TRAINED))

    def before_train(self, runner: Runner) -> None:
        self.model = unwrapped(runner.model)
        if self.average is None:
            self.average = _copy(self.model)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        if not runner.optim_wrapper.should_update():
            return
        steps = runner.message_hub.get_info(COUNT, 0)
        decay = min(self.decay, (1 + steps) / (10 + steps))
        _move(self.average, self.model.state_dict(), decay)
        runner.message_hub.update_info(COUNT, steps + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        self.trained = _copy(self.model)
        _write(self.average, self.model)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """What was judged is the average from now on: of several processes, with the mean of their buffers."""
        self.average = _copy(self.model)
        _write(self.trained, self.model)
        del self.trained

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if 'optimizer' in checkpoint:
            checkpoint[TRAINED] = dict(checkpoint['state_dict'])
        checkpoint['state_dict'].update({name: value.cpu() for name, value in self.average.items()})


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def _write(values: dict[str, Tensor], model: nn.Module) -> None:
    """Into the model's own tensors, which the optimiser, a compiled graph and other processes know."""
    for name, target in model.state_dict().items():
        target.copy_(values[name])


def _move(average: dict[str, Tensor], weights: dict[str, Tensor], decay: float) -> None:
    """The average, in place, towards the ``weights``."""
    names = [name for name, value in average.items() if value.is_floating_point()]
    get_ema_multi_avg_fn(decay)([average[name] for name in names], [weights[name] for name in names], None)
    for name in average.keys() - names:
        average[name].copy_(weights[name])

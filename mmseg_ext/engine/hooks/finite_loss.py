"""Stop a run whose loss is no longer a number, naming the iteration, the term and the images."""

import math
from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.engine.hooks.recent import RecentTerms
from mmseg_ext.errors import RunError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raises RunError at the first loss term that is NaN or infinite.

    The terms of the last ``interval`` iterations are kept on their device and read together, because reading one
    number in every iteration would make a GPU wait each time; the first bad iteration is still named exactly. They
    are also read before any checkpoint is written, and so are its weights, which a gradient can spoil while the
    loss is still a number: spoilt weights never replace good ones.

    Args:
        interval: iterations between two readings.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'need interval >= 1, got {interval}')
        self.interval = interval
        self.terms = RecentTerms()
        self.batches: list[tuple[int, list[str]]] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        terms = {name: value for name, value in (outputs or {}).items() if 'loss' in name}
        if terms:
            images = [str(sample.img_path) for sample in (data_batch or {}).get('data_samples', [])]
            self.batches.append((runner.iter + 1, images))
            self.terms.add(terms)
        if (runner.iter + 1) % self.interval == 0:
            self._stop_all()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Only the main process writes, and the weights of all are equal."""
        problem = _bad_weight(checkpoint['state_dict'])
        if problem:
            raise RunError(problem)

    def before_save(self, runner: Runner) -> None:
        """Called by AtomicCheckpointHook in every process."""
        self._stop_all()

    def before_val_epoch(self, runner: Runner) -> None:
        self._stop_all()

    def after_train(self, runner: Runner) -> None:
        self._stop_all()

    def _stop_all(self) -> None:
        """Raise in every process what one of them found first in its own share of the batch."""
        found = list(filter(None, all_gather_object(self._bad_loss())))
        if found:
            raise RunError(min(found)[1])

    def _bad_loss(self) -> tuple[int, str] | None:
        """Iteration and description of the first loss since the last reading that is not a number."""
        batches, self.batches = self.batches, []
        for (iteration, images), terms in zip(batches, self.terms.read(), strict=True):
            # The sum comes first in the terms and would be named instead of the one that spoilt it.
            for name, value in sorted(terms.items(), key=lambda term: term[0] == 'loss'):
                if not math.isfinite(value):
                    return iteration, (
                        f'iteration {iteration}: {name} is {value}; the batch was {", ".join(images)}; '
                        'look at these images, or lower optim_wrapper.optimizer.lr'
                    )
        return None


def _bad_weight(weights: dict[str, torch.Tensor]) -> str | None:
    for name, value in weights.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return (
                f'the weights {name} are no longer numbers, though the loss was; the last checkpoint stays; '
                'lower optim_wrapper.optimizer.lr, or set optim_wrapper.clip_grad'
            )
    return None

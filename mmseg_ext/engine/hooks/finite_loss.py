"""Stop a run whose loss is no longer a number, naming the iteration, the term and the images."""

from collections import deque
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.errors import RunError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raises RunError at the first loss term that is NaN or infinite.

    The terms of the last ``interval`` iterations are kept on their device and read together, because reading one
    number in every iteration would make a GPU wait each time; the first bad iteration is still named exactly. They
    are also read before any checkpoint is written, so that spoilt weights never replace good ones.

    Args:
        interval: iterations between two readings.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'need interval >= 1, got {interval}')
        self.interval = interval
        self.recent: deque[tuple[int, dict[str, torch.Tensor], list[str]]] = deque()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        names = [str(sample.img_path) for sample in (data_batch or {}).get('data_samples', [])]
        self.recent.append((runner.iter + 1, dict(outputs or {}), names))
        if len(self.recent) >= self.interval:
            self._check()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        self._check()

    def before_val_epoch(self, runner: Runner) -> None:
        self._check()

    def after_train(self, runner: Runner) -> None:
        self._check()

    def _check(self) -> None:
        while self.recent:
            iteration, terms, names = self.recent.popleft()
            for name, value in terms.items():
                if 'loss' in name and not torch.isfinite(torch.as_tensor(value)).all():
                    raise RunError(
                        f'iteration {iteration}: {name} is {float(value)}; the batch was {", ".join(names)}; '
                        'look at these images, or lower optim_wrapper.optimizer.lr'
                    )

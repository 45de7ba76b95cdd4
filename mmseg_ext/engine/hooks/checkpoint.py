"""Keep the last and the best weights of a run, so that a kill at any moment leaves something to resume from."""

import time
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.engine import interrupt
from mmseg_ext.engine.checkpoint import POINTER, iteration_of
from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.files import replacing, write_text

# Several processes hear a signal at different moments and must stop after the same iteration. Asking each other
# in every one would cost more than finishing a few.
AGREE = 5


@HOOKS.register_module()
class AtomicCheckpointHook(Hook):
    """Writes ``<work_dir>/ckpt/iter_N.pth`` and ``best_<metric>_iter_N.pth``.

    Every file is written under a temporary name, flushed and renamed; an old file is removed only after its
    successor is in place; ``last_checkpoint`` names the newest one relative to its own folder, so that a work
    directory can be moved. SIGINT and SIGTERM let the running iteration finish, save, and stop the run.

    Where the gradients of several iterations make one step (``optim_wrapper.accumulative_counts``), the last
    weights are written, and a run is stopped, after a step only: between two steps there are gradients that no
    checkpoint holds. What is due earlier waits for it.

    Args:
        interval: iterations between two checkpoints; the last iteration is always saved.
        save_best: metric that chooses the best weights, or None to keep only the last ones. NaN never wins and of
            equals the first stays.
        rule: ``greater`` or ``less``: which way is better.
        max_keep: how many ``iter_N.pth`` to keep.
    """

    priority = 'VERY_LOW'

    def __init__(
        self, interval: int, save_best: str | None = 'mIoU_fg', rule: str = 'greater', max_keep: int = 1
    ) -> None:
        if interval < 1 or max_keep < 1:
            raise ValueError(f'need interval >= 1 and max_keep >= 1, got {interval=}, {max_keep=}')
        if rule not in ('greater', 'less'):
            raise ValueError(f"rule must be 'greater' or 'less', got {rule!r}")
        self.interval, self.save_best, self.rule, self.max_keep = interval, save_best, rule, max_keep

    def before_train(self, runner: Runner) -> None:
        """Begin or go on counting time; make up for a validation that the last start was stopped before."""
        self.folder = Path(runner.work_dir, 'ckpt')
        self.folder.mkdir(parents=True, exist_ok=True)
        self.due, self.asked = False, runner.iter
        self.started = time.perf_counter() - runner.message_hub.get_info('train_seconds', 0.0)
        if runner.iter == 0:
            return
        runner.message_hub.update_info('resumed', True)
        loop = runner.train_loop
        due = runner.iter % loop.val_interval == 0 or runner.iter == loop.max_iters
        if due and runner.iter >= loop.val_begin and runner.message_hub.get_info('last_validation') != runner.iter:
            runner.val_loop.run()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        done = runner.iter + 1
        self.due |= done % self.interval == 0 or done == runner.max_iters
        if not runner.optim_wrapper.should_update():
            return
        if self._all_stop(done):
            self._save_last(runner, done)
            raise RunError(
                f'stopped after iteration {done}; everything is saved: the same command with --resume continues'
            )
        if self.due:
            self._save_last(runner, done)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        runner.message_hub.update_info('last_validation', runner.iter)
        if self.save_best is None or not metrics:
            return
        if self.save_best not in metrics:
            raise UsageError(f'save_best={self.save_best!r} is not measured; the metrics are {", ".join(metrics)}')
        hub, score = runner.message_hub, metrics[self.save_best]
        best = hub.get_info('best_score')
        better = score == score and (best is None or (score > best if self.rule == 'greater' else score < best))
        if not better:
            return
        hub.update_info('best_score', float(score))
        hub.update_info('best_iteration', runner.iter)
        self._save(runner, self._best_name(runner.iter), runner.iter, with_optimizer=False)
        # The last checkpoint must know the new best, or a resumed run would forget it.
        self.due = True
        if runner.optim_wrapper.should_update():
            self._save_last(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        self._count_time(runner)
        if runner.iter < runner.max_iters:  # stopped early, perhaps between two checkpoints
            self._save_last(runner, runner.iter)

    def _count_time(self, runner: Runner) -> None:
        runner.message_hub.update_info('train_seconds', time.perf_counter() - self.started)

    def _save_last(self, runner: Runner, done: int) -> None:
        self._count_time(runner)
        self.due = False
        self._save(runner, f'iter_{done}.pth', done, with_optimizer=True)
        if is_main_process():
            write_text(self.folder / POINTER, f'iter_{done}.pth')
        files = sorted(self.folder.glob('iter_*.pth'), key=iteration_of)
        self._remove_others('iter_*.pth', keep={file.name for file in files[-self.max_keep :]})
        # Not before: the checkpoint that a killed run goes on from may know an older best.
        best = runner.message_hub.get_info('best_iteration')
        if best is not None:
            self._remove_others(self._best_name('*'), keep={self._best_name(best)})

    def _best_name(self, iteration: int | str) -> str:
        return f'best_{self.save_best}_iter_{iteration}.pth'

    def _save(self, runner: Runner, name: str, done: int, with_optimizer: bool) -> None:
        runner.call_hook('before_save')  # FiniteLossHook, in every process: mmengine's own call is the main one's
        if not is_main_process():
            return
        with replacing(self.folder / name) as partial:
            runner.save_checkpoint(
                str(self.folder),
                partial.name,
                save_optimizer=with_optimizer,
                save_param_scheduler=with_optimizer,
                meta=dict(epoch=runner.epoch, iter=done),
                by_epoch=False,
            )

    def _all_stop(self, done: int) -> bool:
        """Whether this or, asked every few iterations, any process was told to stop."""
        if get_world_size() == 1:
            return interrupt.requested() is not None
        if done - self.asked < AGREE:
            return False
        self.asked = done
        flag = torch.tensor(float(interrupt.requested() is not None))
        all_reduce(flag, op='max')
        return bool(flag)

    def _remove_others(self, pattern: str, keep: set[str]) -> None:
        if is_main_process():
            for file in self.folder.glob(pattern):
                if file.name not in keep:
                    file.unlink()

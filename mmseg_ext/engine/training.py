"""Train one run in its folder: start, resume, refuse to mix, and judge the best weights when it ends."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process

from mmseg_ext.engine import interrupt
from mmseg_ext.engine.checkpoint import latest_checkpoint
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.runner import DefectRunner
from mmseg_ext.errors import UsageError
from mmseg_ext.files import writable_folder
from mmseg_ext.reports.curves import plot_curves


def use_mixed_precision(cfg: Config) -> None:
    """Switch the optimiser wrapper to automatic mixed precision. UsageError where there is no GPU."""
    if not torch.cuda.is_available():
        raise UsageError('--amp: mixed precision needs a GPU and there is none here; leave --amp out')
    cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def prepare_folder(cfg: Config, folder: Path, resume: bool) -> None:
    """Point ``cfg`` at ``folder/train``: at its newest checkpoint when resuming, else it must hold none.

    Raises UsageError when the folder cannot be written or holds another start of the run.
    """
    train_dir = writable_folder(folder / 'train')
    found = latest_checkpoint(train_dir / 'ckpt')
    if found and not resume:
        raise UsageError(
            f'{train_dir} already holds {found.name}; continue it with --resume, or choose another --work-dir'
        )
    cfg.work_dir = str(train_dir)
    cfg.resume, cfg.load_from = found is not None, str(found) if found else cfg.get('load_from')


def train(cfg: Config, folder: str | Path, resume: bool = False) -> dict[str, Any]:
    """Train, then judge the best weights on the validation split. Returns the content of ``train/result.json``.

    Raises RunError when the run is stopped by a signal or by a loss that is not a number.
    """
    folder = Path(folder)
    prepare_folder(cfg, folder, resume)
    barrier()  # every process must have looked before the first one writes
    resumed = cfg.resume
    runner = DefectRunner.from_cfg(cfg)
    with interrupt.listening():
        runner.train()
    train_dir = folder / 'train'
    barrier()
    result = judge(cfg, best_checkpoint(train_dir / 'ckpt'), 'val', train_dir)
    if is_main_process():
        plot_curves(train_dir, result['classes'], train_dir / 'curves.png')
    return dict(result, resumed=resumed)


def best_checkpoint(folder: Path) -> Path:
    """The best weights in ``folder``; the last ones when no validation score ever was a number."""
    best = sorted(folder.glob('best_*.pth'), key=lambda file: int(file.stem.rsplit('_', 1)[1]))
    chosen = best[-1] if best else latest_checkpoint(folder)
    if chosen is None:
        raise UsageError(f'{folder}: no checkpoint there; train first')
    return chosen

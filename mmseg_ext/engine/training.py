"""Train one run in its folder: start, resume, refuse to mix, and judge the best weights when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, get_rank, is_main_process

from mmseg_ext.engine import interrupt
from mmseg_ext.engine.checkpoint import iteration_of, latest_checkpoint
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.machine import compile_options, memory_format
from mmseg_ext.engine.preflight import first_line
from mmseg_ext.engine.recipe import CONFIG, config_hash, first_difference, save_config, what_is_trained
from mmseg_ext.engine.runner import build_runner, working_copy
from mmseg_ext.errors import DataError, RunError, UsageError, message
from mmseg_ext.files import read_json, remove_partials, writable_folder
from mmseg_ext.reports.curves import plot_curves


def train(cfg: Config, folder: str | Path, resume: bool = False) -> dict[str, Any]:
    """Train, then judge the best weights on the validation split. Returns the content of ``train/result.json``.

    ``cfg`` stays as it is. Raises UsageError when the folder cannot be written or holds another run, RunError when
    the run is stopped by a signal or by a loss that is not a number.
    """
    train_dir = writable_folder(Path(folder) / 'train')
    found = _checkpoint_to_resume(cfg, train_dir, resume)
    finished = read_json(train_dir / 'result.json') if found else None
    if finished:
        if is_main_process():
            print(f'{train_dir}: this run is finished, nothing is left to train')
        return finished
    barrier()  # every process must have looked before the first one writes
    if is_main_process():
        remove_partials(train_dir)
        save_config(cfg, train_dir)
    with interrupt.listening(), _told_apart():
        record = _fit(cfg, train_dir, found)
    barrier()
    classes = record.pop('classes')
    if is_main_process():
        plot_curves(train_dir, classes, train_dir / 'curves.png')
    return judge(cfg, best_checkpoint(train_dir / 'ckpt'), 'val', train_dir, training=record)


def _checkpoint_to_resume(cfg: Config, train_dir: Path, resume: bool) -> Path | None:
    """The newest checkpoint of ``train_dir``. UsageError unless it is to be resumed and is of the same config."""
    found = latest_checkpoint(train_dir / 'ckpt')
    if found and not resume:
        raise UsageError(
            f'{train_dir} already holds {found.name}; continue it with --resume, or choose another --work-dir'
        )
    if found and (train_dir / CONFIG).is_file():
        before = Config.fromfile(train_dir / CONFIG)
        if config_hash(before) != config_hash(cfg) or before.randomness.seed != cfg.randomness.seed:
            raise UsageError(
                f'{train_dir} was begun with another config: {_difference(before, cfg)} differs; continue it with '
                f'the config {train_dir / CONFIG}, or choose another --work-dir'
            )
    return found


def _difference(before: Config, cfg: Config) -> str:
    return first_difference(*map(what_is_trained, (before, cfg))) or 'randomness.seed'


def _fit(cfg: Config, train_dir: Path, found: Path | None) -> dict[str, Any]:
    """Train to the end, from a checkpoint if one was found; what the result should say about it."""
    local = working_copy(cfg, train_dir, cfg.run.recipe)
    if found:
        local.resume, local.load_from = True, str(found)
    if cfg.run.get('amp'):
        local.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    runner = build_runner(local)
    runner.train()
    if interrupt.requested():
        raise RunError('stopped after the last iteration; the same command with --resume judges the weights')
    hub = runner.message_hub
    return dict(
        classes=list(runner.train_dataloader.dataset.metainfo['classes']),
        iterations=runner.iter,
        stopped_early=hub.get_info('stopped_early', False),
        train_seconds=round(hub.get_info('train_seconds'), 2),
        resumed=hub.get_info('resumed', False),
        channels_last=memory_format(local) is torch.channels_last,
        compiled=compile_options(local) is not None,
        num_workers=local.train_dataloader.num_workers,
    )


@contextmanager
def _told_apart() -> Iterator[None]:
    """Give errors that one process of several meets alone to that one, and say what can be done about memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        _raise_here(
            RunError(f'the GPU has no memory left ({first_line(error)}); lower train_dataloader.batch_size'), error
        )
    except DataError as error:
        _raise_here(DataError(message(error)), error)
    except RuntimeError as error:
        if 'peer' not in str(error):
            raise
        raise RunError(
            'another process of this run has ended; --resume continues from the last checkpoint'
        ) from error


def _raise_here(error: RunError | DataError, cause: Exception) -> None:
    error.alone = get_rank() > 0
    raise error from cause


def best_checkpoint(folder: Path) -> Path:
    """The best weights in ``folder``; the last ones when no validation score ever was a number."""
    best = sorted(folder.glob('best_*.pth'), key=iteration_of)
    chosen = best[-1] if best else latest_checkpoint(folder)
    if chosen is None:
        raise UsageError(f'{folder}: no checkpoint there; train first')
    return chosen


def find_checkpoint(path: str | Path) -> Path:
    """``path`` itself, or the best weights of the run whose folder it is."""
    path = Path(path).expanduser()
    return best_checkpoint(path / 'train' / 'ckpt') if path.is_dir() else path

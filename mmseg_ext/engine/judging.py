"""Measure a checkpoint on one split and leave everything a person needs to believe the numbers."""

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import Runner

from mmseg_ext.engine.checkpoint import load_weights
from mmseg_ext.engine.recipe import save_config
from mmseg_ext.engine.results import (
    curve_parts,
    identity,
    peak_memory_gib,
    worst_rows,
    write_result,
    write_worst_sheet,
)
from mmseg_ext.engine.runner import build_runner, device_name, working_copy
from mmseg_ext.engine.stopwatch import Stopwatch
from mmseg_ext.engine.threshold import Threshold, find_threshold, is_closing_validation, set_threshold
from mmseg_ext.engine.unwrapped import unwrapped
from mmseg_ext.files import writable_folder
from mmseg_ext.models.test_time import Views, set_views

TRAINING_KEYS = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler')
VALIDATION_KEYS = ('val_dataloader', 'val_cfg', 'val_evaluator')


def judge(
    cfg: Config,
    checkpoint: str | Path,
    split: str,
    folder: str | Path,
    show_dir: str | Path | None = None,
    out_dir: str | Path | None = None,
    training: dict[str, Any] | None = None,
    views: Views | None = None,
) -> dict[str, Any]:
    """Scores of ``checkpoint`` on ``split`` (``val`` or ``test``), written down in ``folder``.

    It gets ``config.py``, ``per_image.csv``, ``worst.png`` and, last, ``result.json`` (plus what ``training``
    says); ``show_dir`` a strip of image, truth and prediction for every image, ``out_dir`` every predicted mask.
    A model of a single logit decides by the threshold that its run has found best, see ``engine.threshold``;
    ``cfg`` stays as it is. With ``views`` the network is asked about these views of each image, see
    ``models.test_time``; the result names them (``tta``) and the time that an image takes the network with
    them and without (``network_seconds``). Works under several processes; only the main one writes. Returns the
    content of ``result.json``.
    """
    folder = writable_folder(folder)
    runner = _test_runner(cfg, split, folder, show_dir, out_dir)
    content = load_weights(unwrapped(runner.model), checkpoint)
    meta = content.get('meta', {})
    threshold = _settled(unwrapped(runner.model), cfg, checkpoint, folder)
    watch = _watched(unwrapped(runner.model), views)
    start = time.perf_counter()
    scores = runner.test()
    seconds = time.perf_counter() - start
    images = len(runner.test_dataloader.dataset)
    result = dict(
        identity(cfg, split),
        seed=meta.get('seed', cfg.randomness.seed),
        pretrained=content.get('message_hub', {}).get('runtime_info', {}).get('pretrained'),
        scores=scores,
        classes=list(runner.test_dataloader.dataset.metainfo['classes']),
        confusion=_confusion(runner),
        **curve_parts(runner.test_evaluator.metrics, threshold),
        checkpoint=str(checkpoint),
        iteration=meta.get('iter'),
        images=images,
        seconds=round(seconds, 2),
        images_per_second=round(images / seconds, 3),
        peak_memory_gib=round(peak_memory_gib(), 3),
        parameters=sum(parameter.numel() for parameter in runner.model.parameters()),
        device=device_name(),
        tta=str(views) if views else None,
        finished=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        **(training or {}),
        **(dict(network_seconds=watch.cost) if watch else {}),
    )
    if is_main_process():
        save_config(cfg, folder)
        rows = _per_image(runner)
        if rows:
            items, look = _predict_again(runner, rows), runner.test_dataloader.dataset.metainfo
            write_worst_sheet(folder / 'worst.png', items, look)
        write_result(folder, result, rows)
    return result


def judge_both(
    cfg: Config,
    checkpoint: str | Path,
    split: str,
    folder: str | Path,
    views: Views,
    show_dir: str | Path | None = None,
    out_dir: str | Path | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``judge`` as usual into ``folder``, then with ``views`` into ``augmented_folder(folder)``; both results.

    The masks and strips of ``out_dir`` and ``show_dir`` are those with the views.
    """
    beside = writable_folder(augmented_folder(folder))
    plain = judge(cfg, checkpoint, split, folder)
    return plain, judge(cfg, checkpoint, split, beside, show_dir, out_dir, views=views)


def augmented_folder(folder: str | Path) -> Path:
    """Where the result with test-time augmentation goes: ``test-tta`` beside ``test``."""
    return Path(folder).with_name(f'{Path(folder).name}-tta')


def _watched(model: torch.nn.Module, views: Views | None) -> Stopwatch | None:
    """Let ``model`` see ``views``, and take its time doing so; nothing without any."""
    if views is None:
        return None
    plain = getattr(model, 'inference', None)
    set_views(model, views)
    return Stopwatch(model, plain)


def _test_runner(cfg: Config, split: str, folder: Path, show_dir: Any, out_dir: Any) -> Runner:
    """A Runner that knows only how to test, on the loader and evaluator of ``split``."""
    cfg = working_copy(cfg, folder, f'{split}-{cfg.run.recipe}')
    cfg.test_dataloader, cfg.test_evaluator = cfg[f'{split}_dataloader'], cfg[f'{split}_evaluator']
    for key in TRAINING_KEYS + VALIDATION_KEYS:
        cfg.pop(key, None)
    cfg.load_from = None
    saver = dict(type='SavePredictionsHook', show_dir=_text(show_dir), out_dir=_text(out_dir))
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), saver]
    return build_runner(cfg)


def _text(path: Any) -> str | None:
    return None if path is None else str(path)


def _settled(model: torch.nn.Module, cfg: Config, checkpoint: str | Path, folder: Path) -> Threshold:
    """The threshold by which ``model`` decides from now on, in every process.

    The main one looks: it alone is sure to see what it has just written. The validation that closes a training
    chooses the threshold, and so does not use one that was chosen before.
    """
    stored = not is_closing_validation(checkpoint, folder)
    found = [find_threshold(model, cfg, checkpoint, stored) if is_main_process() else None]
    broadcast_object_list(found)
    set_threshold(model, found[0])
    return found[0]


def _per_image(runner: Runner) -> list[dict[str, Any]]:
    """The rows of the first metric that keeps them, or none."""
    return next((metric.per_image for metric in runner.test_evaluator.metrics if hasattr(metric, 'per_image')), [])


def _confusion(runner: Runner) -> list[list[int]] | None:
    """Pixels of all images by true class (row) and predicted class; None without a metric that counts them."""
    kept = (getattr(metric, 'confusion', None) for metric in runner.test_evaluator.metrics)
    return next((counts.tolist() for counts in kept if counts is not None), None)


@torch.no_grad()
def _predict_again(runner: Runner, rows: list[dict]) -> list[tuple[dict, Any, Any]]:
    """The worst of ``rows``, which are in the order of the data set, each with its truth and prediction.

    Predicting a handful twice is cheaper than keeping all masks. One image may be in several rows, once a prompt.
    """
    dataset, model = runner.test_dataloader.dataset, unwrapped(runner.model)
    position = {id(row): index for index, row in enumerate(rows)}
    items = []
    for row in worst_rows(rows):
        (sample,) = model.test_step(pseudo_collate([dataset[position[id(row)]]]))
        fields = sample.gt_sem_seg, sample.pred_sem_seg  # the latter is float where there is one logit
        truth, predicted = (field.data[0].cpu().numpy().astype(np.uint8) for field in fields)
        items.append((row, truth, predicted))
    return items

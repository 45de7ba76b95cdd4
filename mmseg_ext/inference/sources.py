"""From what a user names, a run or two files, to weights, config, classes."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_ext.engine.checkpoint import load_weights
from mmseg_ext.engine.heads import threshold_problems
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import class_problems, dataset_configs, first_line
from mmseg_ext.engine.recipe import CONFIG
from mmseg_ext.engine.training import find_checkpoint
from mmseg_ext.errors import UsageError, listed


def find_config(checkpoint: str | Path) -> Path:
    """The ``config.py`` of the run that a checkpoint, or a run's folder, belongs to. UsageError without one."""
    path = find_checkpoint(checkpoint)
    config = path.absolute().parents[1] / CONFIG
    if not path.is_file():
        raise UsageError(f'{path}: no such checkpoint')
    if not config.is_file():
        raise UsageError(f'{path}: lies in no run (no {config}); give the config it was trained with too')
    return config


def read_config(config: str | Path | Config) -> Config:
    """The merged config of a file, or the one given."""
    cfg = config if isinstance(config, Config) else load_config(config)
    missing = [key for key in ('model', 'test_dataloader') if key not in cfg]
    if missing:
        raise UsageError(f'{cfg.filename}: no complete recipe, it lacks {", ".join(missing)}')
    return cfg


def find_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; without a name a GPU if there is one. UsageError for one that is not there."""
    try:
        device = torch.device(name or ('cuda' if torch.cuda.is_available() else 'cpu'))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f'device {name}: {first_line(error)}; leave it out, or say cpu') from error
    return device


def build_model(cfg: Config, checkpoint: Path, device: torch.device) -> nn.Module:
    """The network with its trained weights, ready to predict. UsageError when config and weights do not fit."""
    init_default_scope('mmseg')
    try:
        model = MODELS.build(cfg.model)
    except Exception as error:  # any registered class may fail in its own way on a wrong config
        raise UsageError(f'model: {first_line(error)}') from error
    load_weights(model, checkpoint)
    if not hasattr(model, 'inference'):
        raise UsageError(f'model: {type(model).__name__} has no method "inference", as EncoderDecoder has')
    return model.to(device).eval()


def class_names(cfg: Config) -> tuple[list[str], list[list[int]]]:
    """Names and RGB colours of the classes as the test data set has them; its files need not be there."""
    meta = _test_metainfo(cfg)
    place = f'test_dataloader.dataset ({dataset_configs(cfg, "test")[0].type})'
    problems = [*class_problems(cfg.model, {place: len(meta['classes'])}), *threshold_problems(cfg.model)]
    if problems:
        raise UsageError(listed(problems))
    return list(meta['classes']), [list(colour) for colour in meta['palette']]


def class_curves(cfg: Config) -> tuple[str, ...]:
    """The classes that are lines, which the test data set names in ``curves``.

    A name that is no class is left out: a config that renames the classes inherits the curves of its data set.
    """
    meta = _test_metainfo(cfg)
    return tuple(name for name in meta['classes'][1:] if name in meta.get('curves', ()))


def _test_metainfo(cfg: Config) -> dict[str, Any]:
    init_default_scope('mmseg')
    try:
        return DATASETS.build(dict(dataset_configs(cfg, 'test')[0], pipeline=[], lazy_init=True)).metainfo
    except Exception as error:  # any registered class may fail in its own way on a wrong config
        raise UsageError(f'test_dataloader.dataset: {first_line(error)}') from error

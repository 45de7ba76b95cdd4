"""Find everything that would stop a run before the first iteration, and say it at once."""

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, METRICS, MODELS
from torch import nn

from mmseg_ext.datasets.problems import group, one_line
from mmseg_ext.datasets.sources import PAIRED, dataset_leaves, mapping_files, paired
from mmseg_ext.engine.accumulation import accumulation_problems
from mmseg_ext.engine.best_score import best_score_problems
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.heads import head_configs, single_logit_problems, threshold_problems
from mmseg_ext.engine.loops import monitor_problems
from mmseg_ext.engine.names import type_problems
from mmseg_ext.errors import DataError, UsageError, listed

SAMPLE = 64  # pairs of each split whose pixels are decoded; all are paired and have their headers read
BATCH = 2  # images of the trial step at most: the fewest that BatchNorm accepts on a pooled 1x1 map


def check_run(cfg: Config, splits: tuple[str, ...] = ('train', 'val'), problems: Iterable[str] = ()) -> None:
    """Check data, class counts and model of ``cfg`` and try one step on a batch; ``problems`` are known already.

    Raises UsageError for the config, DataError when data is among it, with a line for each problem, all at once.
    Of several processes the main one looks and all of them raise.
    """
    found = [find_problems(cfg, splits, problems) if is_main_process() else None]
    broadcast_object_list(found)
    usage, data = found[0]
    if usage or data:
        raise (DataError if data else UsageError)(listed([*usage, *data]))


def find_problems(cfg: Config, splits: tuple[str, ...], known: Iterable[str]) -> tuple[list[str], list[str]]:
    """What is wrong with the config, the ``known`` first, and what is wrong with the data."""
    init_default_scope('mmseg')
    cfg = copy.deepcopy(cfg)  # constructors may change what they are given
    usage, data, classes = [*known, *type_problems(cfg)], [], {}
    for split in splits:
        for dataset in dataset_configs(cfg, split):
            place = f'{split}_dataloader.dataset'
            built = _build(DATASETS, place, dict(dataset, pipeline=[], lazy_init=True), usage)
            if built is not None:
                classes[f'{place} ({dataset.type})'] = len(built.metainfo['classes'])
                data += data_problems(split, built)
        if split != 'train':
            _evaluators(cfg[f'{split}_evaluator'], split, usage)
    usage += [*class_problems(cfg.model, classes), *crop_problems(cfg)]
    usage += [*threshold_problems(cfg.model), *single_logit_problems(cfg.model)]
    model = _build(MODELS, 'model', cfg.model, usage)
    if 'train' in splits:
        usage += [*monitor_problems(cfg), *best_score_problems(cfg), *accumulation_problems(cfg)]
    if 'train' in splits and model is not None:
        usage += start_problems(cfg.get('load_from'), model)
        if not usage and not data:
            usage += trial_step_problems(cfg, model)
    return usage, data


def dataset_configs(cfg: Config, split: str) -> list[ConfigDict]:
    """The data sets behind the loader of ``split``, inside whatever wrappers."""
    return list(dataset_leaves(cfg[f'{split}_dataloader']))


def dataset_folders(dataset: ConfigDict) -> list[Path]:
    """Folders of images and masks of a data set; of one that pairs others, theirs, each once, and its mappings."""
    if dataset.get('type') in PAIRED:
        folders = dict.fromkeys(folder for each in paired(dataset) for folder in dataset_folders(each))
        return [*folders, *mapping_files(dataset)]
    return [Path(dataset.get('data_root') or '', folder) for folder in dataset.data_prefix.values() if folder]


def data_problems(split: str, dataset: Any) -> list[str]:
    """What is wrong with the files of a data set, a line for each kind of problem."""
    parts = [part for part in getattr(dataset, 'parts', [dataset]) if hasattr(part, 'check')]
    problems = [problem for part in parts for problem in part.check(sample=SAMPLE).problems]
    return [f'{split}: {one_line(kind)}' for kind in group(problems)]


def class_problems(model: ConfigDict, datasets: dict[str, int]) -> Iterator[str]:
    """Heads and data sets ({place: number of classes}) that disagree on the number of classes."""
    counts = dict(datasets)
    counts |= {place: head['num_classes'] for place, head in head_configs(model).items() if 'num_classes' in head}
    if len(set(counts.values())) > 1:
        said = ', '.join(f'{name} has {count}' for name, count in counts.items())
        yield f'the number of classes differs: {said}; set it in the data-set base, wire the heads to it'


def crop_problems(cfg: Config) -> Iterator[str]:
    """A crop smaller than the model can train on (``smallest_crop`` in its base)."""
    smallest, crop = cfg.get('smallest_crop'), cfg.get('crop_size')
    if smallest and crop and any(side < least for side, least in zip(crop, smallest, strict=True)):
        yield (
            f'crops of {crop[0]} x {crop[1]} px are too small for this model, which needs {smallest[0]} x '
            f'{smallest[1]}; --swap pipelines=crop_512, or take another model'
        )


def _evaluators(evaluator: Any, split: str, problems: list[str]) -> None:
    for metric in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
        _build(METRICS, f'{split}_evaluator', metric, problems)


def _build(registry: Any, place: str, config: dict, problems: list[str]) -> Any:
    """The built object, or None with one line added to ``problems`` (unless a name is at fault: see ``names``)."""
    try:
        return registry.build(config)
    except Exception as error:  # noqa: BLE001 any registered class may fail in its own way on a wrong config
        line = first_line(error)
        if 'is not in the' not in line or 'registry' not in line:
            problems.append(f'{place}: {line}')
        return None


def first_line(error: BaseException) -> str:
    """The message of an error without the stack of locations that registries put around it."""
    while error.__cause__ is not None and not isinstance(error, DataError):
        error = error.__cause__
    text = error.args[0] if isinstance(error, KeyError) and error.args else error  # str() would quote the former
    return next(iter(str(text).strip().splitlines()), type(error).__name__)


def start_problems(load_from: str | None, model: nn.Module) -> list[str]:
    """What is wrong with the weights that training is to start from; only their head may differ."""
    if not load_from or '://' in load_from:
        return []
    try:
        content = read_checkpoint(load_from)
    except UsageError as error:
        return [f'load_from: {error}']
    known = model.state_dict()
    if any(name in known for name in content.get('state_dict', content)):
        return []
    return [f'load_from: {load_from}: no weight of it has a name that this model knows']


def trial_step_problems(cfg: Config, model: nn.Module) -> list[str]:
    """One training step on the first images: what fails, or a loss that is not a number."""
    try:
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        count = min(BATCH, cfg.train_dataloader.batch_size)
        batch = pseudo_collate([dataset[index % len(dataset)] for index in range(count)])
        optimizer = build_optim_wrapper(model, dict(cfg.optim_wrapper, accumulative_counts=1))
        losses = model.train().train_step(batch, optimizer)
    except Exception as error:  # noqa: BLE001 whatever a config can break shows up here, and all of it is its fault
        return [f'the first batch fails: {first_line(error)}']
    total = {'loss': losses.pop('loss')}  # the sum, which is named only when no term is at fault
    values = {**losses, **total, **dict(model.named_parameters())}
    bad = [name for name, value in values.items() if not torch.isfinite(torch.as_tensor(value)).all()]
    if not bad:
        return []
    return [f'after the first batch {bad[0]} is not a number; look at the loss and the data']

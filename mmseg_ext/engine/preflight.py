"""Find everything that would stop a run before the first iteration, and say it at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_ext.datasets.problems import group, one_line
from mmseg_ext.errors import DataError, UsageError

SAMPLE = 64  # pairs of each split whose pixels are decoded; all are paired and have their headers read
BATCH = 2  # images of the trial step: the fewest that BatchNorm accepts on a pooled 1x1 map


def check_run(cfg: Config, splits: tuple[str, ...] = ('train', 'val')) -> None:
    """Check data, class counts and model of ``cfg`` and try one forward and backward pass on a batch.

    Raises UsageError for the config, DataError for the data, each with one line a problem; all of them at once.
    """
    init_default_scope('mmseg')
    data = [line for split in splits for line in data_problems(cfg, split)]
    usage = [] if data else list(class_problems(cfg, splits))
    model, problem = _built(cfg.model)
    usage += [problem] if problem else []
    if model is not None and not data and not usage and 'train' in splits:
        usage += trial_step_problems(cfg, model)
    if data or usage:
        raise (DataError if data else UsageError)('\n       '.join(data + usage))


def dataset_configs(cfg: Config, split: str) -> list[ConfigDict]:
    """The data sets behind the loader of ``split``, inside whatever wrappers (ConcatDataset, RepeatDataset)."""
    return list(_leaves(cfg[f'{split}_dataloader'].dataset))


def _leaves(dataset: ConfigDict) -> Iterator[ConfigDict]:
    inner = dataset.get('datasets') or ([dataset.dataset] if 'dataset' in dataset else [])
    if not inner:
        yield dataset
    for part in inner:
        yield from _leaves(part)


def dataset_folders(dataset: ConfigDict) -> list[Path]:
    """Folders of images and masks of one data set."""
    return [Path(dataset.get('data_root') or '', folder) for folder in dataset.data_prefix.values() if folder]


def data_problems(cfg: Config, split: str, sample: int | None = SAMPLE) -> list[str]:
    """What is wrong with the files of ``split``, a line for each kind of problem."""
    lines = []
    for dataset in dataset_configs(cfg, split):
        built, problem = _build(
            DATASETS, f'{split}_dataloader.dataset', dict(dataset, pipeline=[], lazy_init=True)
        )
        if problem:
            lines.append(problem)
        elif hasattr(built, 'check'):
            lines += [f'{split}: {one_line(kind)}' for kind in group(built.check(sample=sample).problems)]
    return lines


def class_problems(cfg: Config, splits: tuple[str, ...]) -> Iterator[str]:
    """Heads and data sets that disagree on the number of classes."""
    counts = {
        f'{split}_dataloader.dataset ({part["type"]})': len(_class_names(part))
        for split in splits
        for part in dataset_configs(cfg, split)
    }
    heads = cfg.model.get('auxiliary_head') or []
    heads = {
        'decode_head': cfg.model.get('decode_head'),
        **dict(enumerate(heads if isinstance(heads, list) else [heads])),
    }
    for name, head in heads.items():
        if isinstance(head, dict) and 'num_classes' in head:
            counts[f'model.{name if name == "decode_head" else f"auxiliary_head.{name}"}'] = head['num_classes']
    if len(set(counts.values())) > 1:
        said = ', '.join(f'{name} has {count}' for name, count in counts.items())
        yield f'the number of classes differs: {said}; set it in the data-set base, wire the heads to it'


def _class_names(dataset: ConfigDict) -> tuple[str, ...]:
    built = DATASETS.build(dict(dataset, pipeline=[], lazy_init=True))
    return tuple(built.metainfo['classes'])


def _build(registry: Any, place: str, config: dict) -> tuple[Any, str | None]:
    """The built object and None, or None and what was wrong with its config in one line."""
    try:
        return registry.build(config), None
    except Exception as error:  # noqa: BLE001 any registered class may fail in its own way on a wrong config
        return None, f'{place}: {first_line(error)}'


def _built(model: ConfigDict) -> tuple[nn.Module | None, str | None]:
    return _build(MODELS, 'model', model)


def first_line(error: BaseException) -> str:
    """The message of an error without the stack of locations that registries put around it."""
    while error.__cause__ is not None and not isinstance(error, DataError):
        error = error.__cause__
    text = str(error).strip().strip('"\'').splitlines()
    return text[0] if text else type(error).__name__


def trial_step_problems(cfg: Config, model: nn.Module) -> list[str]:
    """One forward and backward pass on the first images: what fails, or a loss that is not a number."""
    try:
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        batch = pseudo_collate([dataset[index % len(dataset)] for index in range(BATCH)])
        losses, _ = _loss(model, batch)
    except Exception as error:  # noqa: BLE001 whatever a config can break shows up here, and all of it is the config's fault
        return [f'the first batch fails: {first_line(error)}']
    bad = [name for name, value in losses.items() if not torch.isfinite(torch.as_tensor(value)).all()]
    return [
        f'the first batch gives {", ".join(bad)} that is not a number; lower the learning rate or look at the data'
    ] * bool(bad)


def _loss(model: nn.Module, batch: dict) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    model.train()
    data = model.data_preprocessor(batch, True)
    losses = model(**data, mode='loss')
    total, named = model.parse_losses(losses)
    total.backward()
    return named, total

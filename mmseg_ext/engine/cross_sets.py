"""The runs and the data sets of a cross evaluation: where they are, and whether they fit each other."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_ext.datasets.sources import PAIRED, dataset_leaves, paired
from mmseg_ext.engine.best import find_runs
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import data_problems, dataset_configs, dataset_folders
from mmseg_ext.engine.recipe import CONFIG, config_hash, data_hash
from mmseg_ext.engine.training import best_checkpoint
from mmseg_ext.errors import DataError, UsageError, listed, near
from mmseg_ext.files import read_json


@dataclass(frozen=True)
class TrainedRun:
    """A finished training: its folder, merged config, best weights, and what its ``train/result.json`` says."""

    folder: Path
    cfg: Config
    checkpoint: Path
    training: dict[str, Any]

    @cached_property
    def trained_on(self) -> str:
        """The set's name, that is the last folder of the training data's root; of several sets joined by ``+``."""
        return '+'.join(dict.fromkeys(map(_root_name, dataset_configs(self.cfg, 'train'))))

    @cached_property
    def config_hash(self) -> str:
        """The hash of the config that was trained; that of a judging on another set has another one."""
        return config_hash(self.cfg)

    def own_set(self, split: str) -> str:
        """The set that it is judged on by itself; that of edited training images is the set that was edited."""
        return _root_name(dataset_configs(self.cfg, split)[0])


@dataclass(frozen=True)
class JudgedSet:
    """A data set to judge on. ``loader`` is that of its split; ``hash`` is over its images and masks."""

    name: str
    loader: ConfigDict
    classes: int
    hash: str

    @property
    def folders(self) -> list[Path]:
        """Where its images and masks lie."""
        return _folders(self.loader)


def read_runs(folders: Sequence[str | Path]) -> tuple[list[TrainedRun], list[str]]:
    """The finished trainings that ``folders`` are or hold, and a line for each unfinished one.

    UsageError for a folder without any run, and when none is finished.
    """
    runs, unfinished = [], []
    for folder in find_runs(folders):
        training = read_json(folder / 'train/result.json')
        if training is None or not (folder / 'train' / CONFIG).is_file():
            unfinished.append(f'{folder}: its training is not finished; left out')
            continue
        cfg = load_config(folder / 'train' / CONFIG)
        runs.append(TrainedRun(folder, cfg, best_checkpoint(folder / 'train/ckpt'), training))
    if not runs:
        raise UsageError(listed([*unfinished, 'no finished run; train first, or --resume what was stopped']))
    return runs, unfinished


def find_sets(names: Sequence[str] | None, runs: Sequence[TrainedRun], split: str, bases: Path) -> list[JudgedSet]:
    """The sets of these names, by default those of the runs: from ``<bases>/<name>.py``, else from a run's config.

    Raises UsageError for a name that is neither, and when a set has another number of classes than a run;
    DataError for sets whose files are missing or wrong, a line for each problem.
    """
    init_default_scope('mmseg')
    own: dict[str, ConfigDict] = {}
    for run in runs:
        own.setdefault(run.own_set(split), run.cfg[f'{split}_dataloader'])
    loaders = {name: _loader(name, split, bases, own) for name in names or own}
    built = {name: _built(name, loader) for name, loader in loaders.items()}
    for run in runs:
        _check_classes(run, {name: len(parts[0].metainfo['classes']) for name, parts in built.items()})
    problems = [line for name, parts in built.items() for part in parts for line in data_problems(name, part)]
    if problems:
        raise DataError(listed(problems))
    return [
        JudgedSet(name, loader, len(built[name][0].metainfo['classes']), data_hash(_folders(loader)))
        for name, loader in loaders.items()
    ]


def config_on(run: TrainedRun, split: str, judged: JudgedSet) -> Config:
    """The run's config with the loader of ``judged`` in place of its own; the pipeline and the evaluator stay.

    Of its own set it is the config itself.
    """
    own = run.cfg[f'{split}_dataloader']
    if _folders(own) == judged.folders:
        return run.cfg
    cfg, pipeline = copy.deepcopy(run.cfg), next(dataset_leaves(own)).pipeline
    cfg[f'{split}_dataloader'] = copy.deepcopy(judged.loader)
    for dataset in dataset_configs(cfg, split):
        dataset.pipeline = pipeline
    return cfg


def _root_name(dataset: ConfigDict) -> str:
    if dataset.get('type') in PAIRED:
        return '+'.join(dict.fromkeys(map(_root_name, paired(dict(datasets=dataset.datasets)))))
    root = dataset.get('data_root') or dataset_folders(dataset)[0]
    return Path(root).name


def _folders(loader: ConfigDict) -> list[Path]:
    return [folder.resolve() for dataset in dataset_leaves(loader) for folder in dataset_folders(dataset)]


def _loader(name: str, split: str, bases: Path, own: dict[str, ConfigDict]) -> ConfigDict:
    file = bases / f'{name}.py'
    if file.is_file():
        return load_config(file)[f'{split}_dataloader']
    if name not in own:
        known = {*own, *(base.stem for base in bases.glob('[!_]*.py'))}
        raise UsageError(
            f'--datasets {name}: no {file}, and no run has such a set; did you mean {near(name, known)}?'
        )
    return own[name]


def _built(name: str, loader: ConfigDict) -> list[Any]:
    """The data sets of a loader without their files being read."""
    try:
        return [DATASETS.build(dict(part, pipeline=[], lazy_init=True)) for part in dataset_leaves(loader)]
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        raise UsageError(f'data set {name}: {error}') from error


def _check_classes(run: TrainedRun, counts: dict[str, int]) -> None:
    own = len(run.training['classes'])
    for name, count in counts.items():
        if count != own:
            raise UsageError(
                f'{run.folder} was trained on {run.trained_on} with {own} classes, the data set {name} has '
                f'{count}; leave one of the two out'
            )

"""How long a run will take, from those that have finished below the same ``work_dirs``."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.recipe import CONFIG
from mmseg_ext.engine.runner import device_name
from mmseg_ext.files import read_json
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.configs import JobConfigs

START = 15.0  # seconds of a run outside training and judging: imports, checks, the first batch, pictures
# Parts of a model that hardly change how long it takes.
WEIGHTLESS = ('loss_decode', 'num_classes', 'norm_cfg', 'init_cfg', 'pretrained', 'data_preprocessor')


def estimate(job: Job, project: Path) -> float | None:
    """Seconds that ``job`` still needs in ``work_dirs/<project>``; None without a finished run to tell from."""
    return estimates([job], project)[job.folder]


def estimates(jobs: Iterable[Job], project: Path, configs: JobConfigs | None = None) -> dict[Path, float | None]:
    """Seconds for every job from its start to its end, by its folder.

    Finished runs of the same recipe tell best, then those of the same model, in proportion to the pixels that are
    trained on; only runs on this kind of device count. The seconds are those of a run from its first iteration.
    """
    configs, paces = configs or JobConfigs(), _paces(Path(project).parent)
    return {job.folder: _seconds(configs.of(job).cfg, configs.of(job).hash, paces) for job in jobs}


@dataclass(frozen=True)
class _Pace:
    """What one finished run took; ``judging`` are the seconds of validation and test at its end."""

    folder: Path
    config_hash: str
    training: float
    judging: float

    @cached_property
    def config(self) -> Config:
        """The merged config of the run."""
        return Config.fromfile(self.folder / 'train' / CONFIG)


def _seconds(cfg: Config, config_hash: str, paces: list[_Pace]) -> float | None:
    same = [pace.training + pace.judging for pace in paces if pace.config_hash == config_hash]
    alike = same or [
        pace.training * _work(cfg) / _work(pace.config) + pace.judging
        for pace in _one_a_recipe(paces)
        if _model(pace.config) == _model(cfg)
    ]
    return median(alike) + START if alike else None


def _paces(root: Path) -> list[_Pace]:
    """All finished runs on this kind of device in all projects below ``root``."""
    tests = [*root.glob('*/exp/*/*/test/result.json'), *root.glob('*/exp/*/*/seed*/test/result.json')]
    read = ((file.parents[1], *map(read_json, (file.parents[1] / 'train/result.json', file))) for file in tests)
    here = _kind(device_name())
    return [
        _Pace(folder, train['config_hash'], train['train_seconds'], train['seconds'] + test['seconds'])
        for folder, train, test in read
        if train and test and _kind(train['device']) == here and (folder / 'train' / CONFIG).is_file()
    ]


def _kind(device: str) -> str:
    """The device without the number of threads, which a run gets from those beside it."""
    return device.partition(' x ')[0]


def _one_a_recipe(paces: list[_Pace]) -> list[_Pace]:
    """One run of each recipe, since reading a config takes longer than any other step here."""
    return list({pace.config_hash: pace for pace in paces}.values())


def _work(cfg: Config) -> float:
    """Pixels that a training goes over."""
    height, width = cfg.get('crop_size', (1, 1))
    return cfg.train_cfg.max_iters * cfg.train_dataloader.batch_size * height * width


def _model(cfg: Config) -> str:
    return repr(_weighty(cfg.model.to_dict()))


def _weighty(value: Any) -> Any:
    """The structure without the parts named in WEIGHTLESS, in an order of its own."""
    if isinstance(value, dict):
        return sorted((key, _weighty(item)) for key, item in value.items() if key not in WEIGHTLESS)
    return [_weighty(item) for item in value] if isinstance(value, list | tuple) else value

"""What the jobs of a plan train and on which files, each evaluated or read once however many jobs share it."""

from functools import cached_property
from pathlib import Path

from mmengine.config import Config

from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import dataset_configs, dataset_folders
from mmseg_ext.engine.recipe import config_hash, data_hash
from mmseg_ext.sweeps.jobs import Job


class JobConfig:
    """The merged config of jobs that differ in their seed alone, and the hashes that its results carry."""

    def __init__(self, cfg: Config, data_hashes: dict[tuple[Path, ...], str]) -> None:
        self.cfg, self._data_hashes = cfg, data_hashes

    @cached_property
    def hash(self) -> str:
        """``config_hash`` of the results."""
        return config_hash(self.cfg)

    def folders(self, split: str) -> tuple[Path, ...]:
        """Folders of images and masks of a split."""
        return tuple(folder for part in dataset_configs(self.cfg, split) for folder in dataset_folders(part))

    def data_hash(self, split: str) -> str:
        """``data_hash`` (train) or ``split_hash`` of the results. UsageError when a folder is missing."""
        folders = self.folders(split)
        if folders not in self._data_hashes:
            self._data_hashes[folders] = data_hash(folders)
        return self._data_hashes[folders]

    def missing(self, split: str) -> list[Path]:
        """What is not there of the data of a split: the root of a data set, or else folders in it."""
        parts = dataset_configs(self.cfg, split)
        wanted = [(Path(part.get('data_root') or ''), dataset_folders(part)) for part in parts]
        return [
            each
            for root, folders in wanted
            for each in (folders if root.is_dir() else [root])
            if not each.exists()
        ]

    @property
    def seed(self) -> int:
        """The seed of a job that names none."""
        return self.cfg.randomness.seed


class JobConfigs:
    """The configs of jobs. Keep one for as long as neither recipes nor data can have changed."""

    def __init__(self) -> None:
        self._known: dict[str, JobConfig] = {}
        self._data_hashes: dict[tuple[Path, ...], str] = {}

    def of(self, job: Job) -> JobConfig:
        """The config of ``job``; UsageError when it cannot be merged any more."""
        key = repr((job.recipe, job.swaps, job.options))
        if key not in self._known:
            cfg = load_config(job.recipe, job.swaps, job.options)
            self._known[key] = JobConfig(cfg, self._data_hashes)
        return self._known[key]

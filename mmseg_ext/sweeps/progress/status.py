"""How far a run has come, judged by what its folder holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmengine.config import Config

from mmseg_ext.engine.checkpoint import POINTER, iteration_of
from mmseg_ext.engine.recipe import CONFIG, config_hash, first_difference, what_is_trained
from mmseg_ext.files import read_json
from mmseg_ext.sweeps.engines.lock import is_busy
from mmseg_ext.sweeps.jobs import FAILURE, Job
from mmseg_ext.sweeps.plans.configs import JobConfig, JobConfigs

State = Literal['finished', 'begun', 'failed', 'new']
STATES: tuple[State, ...] = ('finished', 'begun', 'failed', 'new')
CURE = 'delete the folder to train anew, or choose another project'


@dataclass(frozen=True)
class Standing:
    """How far a run is, with a line for people; ``iterations`` are those that a resumed run need not repeat."""

    state: State
    note: str = ''
    iterations: int = 0


def state(job: Job, configs: JobConfigs | None = None) -> State:
    """Whether a run is ``finished``, ``begun``, ``failed`` or ``new``; for many use ``standings``."""
    return standing(job, configs or JobConfigs()).state


def standings(jobs: Iterable[Job], configs: JobConfigs | None = None) -> dict[Path, Standing]:
    """The standing of every job by its folder. Recipes are evaluated and data sets read once."""
    configs = configs or JobConfigs()
    return {job.folder: standing(job, configs) for job in jobs}


def standing(job: Job, configs: JobConfigs) -> Standing:
    """A run is finished by a test result of this very recipe, seed and data, and begun by a train folder.

    A job that is not to be tested is finished by its training's result. Data that is not there (any more) cannot
    contradict a result. A run of another recipe, or of data that has changed, is ``begun``: a new attempt would
    refuse to mix the two, and the note says so.
    """
    result = read_json(job.folder / ('test' if job.test else 'train') / 'result.json')
    trained = read_json(job.folder / 'train/result.json')
    objection = _objection(job, configs.of(job), result, trained)
    if result and not objection:
        return Standing('finished')
    done = _iterations(job.folder / 'train/ckpt')
    failure = read_json(job.folder / FAILURE)
    if failure:
        return Standing('failed', objection or str(failure.get('reason', '')), done)
    under_way = ', under way now' if is_busy(job.folder) else ''
    if not (job.folder / 'train').is_dir():
        return Standing('new', under_way.removeprefix(', '))
    reached = 'trained, to be judged' if trained else f'iteration {done}'
    return Standing('begun', objection or reached + under_way, done)


def _objection(job: Job, config: JobConfig, result: dict[str, Any] | None, trained: dict[str, Any] | None) -> str:
    """Why what the folder holds is not, or will not become, the result of this job; empty when it does."""
    seed = config.seed if job.seed is None else job.seed
    if any(part and part['config_hash'] != config.hash for part in (result, trained)):
        return f'the recipe has changed{_where(job, config)}: {CURE}'
    if not trained and _begun_otherwise(job, config):
        return f'begun with another recipe{_where(job, config)}: {CURE}'
    if result and result['seed'] != seed:
        return f'trained with seed {result["seed"]}: {CURE}'
    if any(part and not _agrees(part['data_hash'], config, 'train') for part in (trained, result)):
        return f'the training data has changed: {CURE}'
    if result and job.test and not _agrees(result['split_hash'], config, 'test'):
        return 'the test data has changed: it will be judged anew'
    return ''


def _agrees(before: str, config: JobConfig, split: str) -> bool:
    return bool(config.missing(split)) or config.data_hash(split) == before


def _begun_otherwise(job: Job, config: JobConfig) -> bool:
    """Whether an unfinished training in the folder is one of another config, which train() would refuse."""
    file = job.folder / 'train' / CONFIG
    return bool(_checkpoints(job.folder / 'train/ckpt')) and file.is_file() and _hash_of(file) != config.hash


def _hash_of(file: Path) -> str:
    return config_hash(Config.fromfile(file))


def _where(job: Job, config: JobConfig) -> str:
    """The key in which the config of the folder differs, in brackets; empty where the folder has none."""
    file = job.folder / 'train' / CONFIG
    if not file.is_file():
        return ''
    key = first_difference(*map(what_is_trained, (Config.fromfile(file), config.cfg)))
    return f' ({key})' if key else ''


def _checkpoints(folder: Path) -> list[Path]:
    return [*folder.glob('iter_*.pth')]


def _iterations(folder: Path) -> int:
    """The iteration that a resumed training would begin after."""
    pointer = folder / POINTER
    named = [Path(pointer.read_text(encoding='utf-8').strip())] if pointer.is_file() else _checkpoints(folder)
    return max(map(iteration_of, named), default=0)

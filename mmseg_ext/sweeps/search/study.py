"""The record of a search: a study in a journal file or a database, which several processes may share."""

import time
from pathlib import Path
from typing import Any

import optuna
from mmengine.config import Config
from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from mmseg_ext.engine.recipe import CONFIG, NOT_IDENTITY, config_hash, first_difference, save_config
from mmseg_ext.errors import UsageError, listed
from mmseg_ext.files import writable_folder
from mmseg_ext.sweeps.search.fitting import present_values
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.sampling import NumberedTPE, make_pruner

TERMS = 'terms'  # user attribute of a study: what all its trials have in common
ATTEMPTS, PAUSE = 4, 0.5  # to open a database, and the seconds between two of them
WAIT = 10.0  # seconds in which the process that created a study should have written its terms


def open_study(request: Request) -> optuna.Study:
    """The study of a request, a new one or the one that is there.

    The first trial of a new one has the recipe's own values where the space holds them. Raises UsageError when the
    study that is there was begun with another recipe, space or objective.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cfg, name, storage = request.base.config(), request.folder.name, open_storage(request.storage)
    tools = dict(sampler=NumberedTPE(request.seed, request.several), pruner=make_pruner(request.pruner, cfg))
    try:
        directions = [objective.direction for objective in request.objectives]
        study = optuna.create_study(storage=storage, study_name=name, directions=directions, **tools)
    except DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name, **tools)
        _check_terms(request, cfg, _terms_of(study))
        return study
    _begin(study, request, cfg)
    return study


def _begin(study: optuna.Study, request: Request, cfg: Config) -> None:
    """Write down what a new study is about; its terms come last, as those who share it wait for them."""
    present = present_values(request.space, request.base)
    if all(request.space[name].holds(value) for name, value in present.items()):
        study.enqueue_trial({name: request.space[name].label(value) for name, value in present.items()})
    save_config(cfg, writable_folder(request.folder))
    study.set_user_attr(TERMS, _terms(request, cfg))


def _terms(request: Request, cfg: Config) -> dict[str, Any]:
    """What makes the scores of two trials comparable."""
    return dict(
        recipe=str(request.base.recipe),
        swaps=list(request.base.swaps),
        options=request.base.options,
        config_hash=config_hash(cfg),
        training_seed=cfg.randomness.seed,
        objectives=[str(objective) for objective in request.objectives],
        space=request.space.content,
    )


def _terms_of(study: optuna.Study) -> dict[str, Any]:
    until = time.monotonic() + WAIT
    while TERMS not in study.user_attrs:
        if time.monotonic() > until:
            raise UsageError(f'the study "{study.study_name}" is not one of this tool; give another --study')
        time.sleep(0.1)
    return study.user_attrs[TERMS]


def _check_terms(request: Request, cfg: Config, before: dict[str, Any]) -> None:
    """Refuse to mix trials that cannot be compared, naming what differs."""
    now = _terms(request, cfg)
    problems = [
        f'{what}: {_shown(before[what])} there, {_shown(now[what])} here'
        for what in ('objectives', 'training_seed')
        if before[what] != now[what]
    ]
    problems += _space_differences(before['space'], now['space'])
    if before['config_hash'] != now['config_hash']:
        problems.append(f'recipe: {_config_difference(request.folder / CONFIG, cfg)} differs')
    if problems:
        head = f'the study {request.folder.name} was begun with something else; give another --study, or go back:'
        raise UsageError(listed([head, *problems]))


def _space_differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return [f'space: {name}: {_shown(before.get(name))} there, {_shown(now.get(name))} here' for name in names]


def _shown(value: Any) -> str:
    return 'nothing' if value is None else ', '.join(value) if isinstance(value, list) else str(value)


def _config_difference(saved: Path, cfg: Config) -> str:
    """The first key in which the recipe differs from the one that the study was begun with."""
    if not saved.is_file():
        return 'its merged config'
    before, now = (
        {key: value for key, value in each.to_dict().items() if key not in NOT_IDENTITY}
        for each in (Config.fromfile(saved), cfg)
    )
    return first_difference(before, now) or 'its merged config'


def open_storage(place: str) -> BaseStorage:
    """A journal file, or the database behind a URL; UsageError when it cannot be opened."""
    if '://' not in place:
        writable_folder(Path(place).parent)
        return JournalStorage(JournalFileBackend(place))
    try:
        return _open_database(place)
    except (SQLAlchemyError, StorageInternalError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f'--storage {shown_storage(place)}: cannot be opened ({reason})') from error


def _open_database(url: str) -> RDBStorage:
    """The storage behind a URL, its tables made if it is new.

    Of several processes that find it new at the same moment all but one fail, and find the tables a moment later.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return RDBStorage(url)
        except (IntegrityError, OperationalError, ProgrammingError, StorageInternalError):
            time.sleep(PAUSE)
    return RDBStorage(url)


def shown_storage(place: str) -> str:
    """The place of a storage without the password that a URL may hold."""
    try:
        return make_url(place).render_as_string(hide_password=True) if '://' in place else place
    except SQLAlchemyError:
        return place.rpartition('@')[2]

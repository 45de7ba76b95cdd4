"""Several processes on one study: who works on which trial, and what happens to the trials of one that died.

A trial belongs to the process that asked for it. When that process is gone, the trial is told as failed, which a
storage lets one process do only, and queued again under a new number with its values, its folder and so its last
checkpoint. Such a pair counts as one trial.
"""

import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.files import writable_folder
from mmseg_ext.sweeps.engines.lock import exclusive, is_busy

# User attributes of a trial.
FOLDER = 'folder'  # the name of its folder in that of the study
OWNER = 'owner'  # {host, folder}: the machine, and the folder whose lock the process holds
BEAT = 'beat'  # when the process was last seen to work, in seconds since 1970
CONTINUES = 'continues'  # the number of the trial that this one goes on with
STARTS = 'starts'  # how often it was begun by processes that died
SURPLUS = 'surplus'  # asked for when another process had just taken the last one
REASON = 'reason'  # why it failed

SILENCE = 600.0  # seconds without a sign of life after which a process on another machine counts as dead
MOST_STARTS = 3  # a trial during which so many processes died is their murderer


@contextmanager
def owner(study_folder: Path) -> Iterator[dict[str, str]]:
    """Who this process is in the attributes of its trials, as long as it lives or the block lasts."""
    host = socket.gethostname()
    folder = writable_folder(study_folder / 'searching' / f'{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}')
    try:
        with exclusive(folder):
            yield dict(host=host, folder=str(folder.absolute()))
    finally:
        shutil.rmtree(folder)


def is_dead(trial: FrozenTrial) -> bool:
    """Whether the process that works on a running trial is gone.

    On this machine its lock says so at once; one on another machine has been silent for ten minutes.
    """
    who = trial.user_attrs.get(OWNER)
    if who and who['host'] == socket.gethostname():
        return not is_busy(Path(who['folder']))
    begun = (trial.datetime_start or datetime.now()).timestamp()
    return time.time() - trial.user_attrs.get(BEAT, begun) > SILENCE


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """The trials of a study, those that others go on with left out."""
    trials = study.get_trials(deepcopy=False)
    continued = {trial.user_attrs.get(CONTINUES) for trial in trials}
    left = [trial for trial in trials if trial.number not in continued and SURPLUS not in trial.user_attrs]
    return sorted(left, key=place)


def next_trial(study: optuna.Study, limit: int, who: dict[str, str]) -> optuna.Trial | None:
    """A trial for this process: one that waits, else a new one; None when the study has ``limit`` of them.

    Two processes may ask for the last one at the same moment; the number decides, and the other one is void.
    """
    requeue_dead(study)
    trials = counted(study)
    if len(trials) >= limit and not any(trial.state == TrialState.WAITING for trial in trials):
        return None
    trial = study.ask()
    if CONTINUES not in trial.user_attrs:
        if sum(other.number < trial.number for other in counted(study)) >= limit:
            trial.set_user_attr(SURPLUS, True)
            study.tell(trial, state=TrialState.FAIL)
            return None
        trial.set_user_attr(FOLDER, f'trial{_new_place(study, trial.number)}')
    trial.set_user_attr(OWNER, who)
    return trial


def _new_place(study: optuna.Study, number: int) -> int:
    """How many trials were begun before, those that go on with others left out: no two get the same."""
    trials = study.get_trials(deepcopy=False)
    return sum(trial.number < number and CONTINUES not in trial.user_attrs for trial in trials)


def place(trial: FrozenTrial) -> int:
    """The number by which people know a trial, in the name of its folder; one that is gone on with keeps it."""
    return int(trial.user_attrs.get(FOLDER, f'trial{trial.number}').removeprefix('trial'))


def requeue_dead(study: optuna.Study) -> None:
    """Queue the trials again whose processes are gone."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_dead(trial):
            requeue(study, trial, died=True)


def requeue(study: optuna.Study, trial: FrozenTrial, died: bool) -> None:
    """End a running trial as failed and let a new one go on with it, unless another process did so before.

    One during which MOST_STARTS processes ``died`` stays failed.
    """
    starts = trial.user_attrs.get(STARTS, 1) + died
    if tell(study, trial.number, state=TrialState.FAIL) and starts <= MOST_STARTS:
        study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs={**_kept(trial), CONTINUES: trial.number, STARTS: starts},
                system_attrs=trial.system_attrs,
                intermediate_values=trial.intermediate_values,
            )
        )


def _kept(trial: FrozenTrial) -> dict[str, Any]:
    own = {FOLDER: f'trial{place(trial)}', **trial.user_attrs}
    return {name: value for name, value in own.items() if name not in (OWNER, BEAT)}


def tell(study: optuna.Study, number: int, **outcome: Any) -> bool:
    """Tell how a trial ended; False when it is no longer running, because another process took it for dead."""
    try:
        study.tell(number, **outcome)
    except (UpdateFinishedTrialError, ValueError):
        return False
    return True


def reason_of(trial: FrozenTrial) -> str:
    """Why a trial failed, in one line."""
    return trial.user_attrs.get(REASON, f'{trial.user_attrs.get(STARTS, 1)} processes died while it was trained')

"""Several processes on one study: no trial too many, none twice, none lost when a process dies."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from script_job import wait_until
from search_project import make_request
from tiny_project import make_project

from mmseg_ext.sweeps.search import sharing
from mmseg_ext.sweeps.search.study import open_storage, open_study

TESTS = Path(__file__).parents[1]
WHO = dict(host='elsewhere', folder='nowhere')
# A process that works on the study until it is done; a trial takes a tenth of a second at every validation.
WORKER = """
import sys, time
from pathlib import Path
from search_project import FakeEngine, make_request
from tiny_project import Project
from mmseg_ext.sweeps.search.study import open_study
from mmseg_ext.sweeps.search.trials import Loop

class SlowEngine(FakeEngine):
    def ended(self, timeout):
        time.sleep(0.1)
        return super().ended(timeout)

root, out = map(Path, sys.argv[1:3])
project = Project(root, root / 'data', root / 'configs/tiny/tiny.py')
request = make_request(project, out, trials=int(sys.argv[4]), storage=sys.argv[3])
engine = SlowEngine(slots=2)
Loop(open_study(request), request, engine, lambda _: None).run()
print('BEGUN', *(job.folder.name for job in engine.begun))
"""


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def study():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction='maximize')


def ask(study, limit: int = 9, who: dict | None = None) -> optuna.Trial:
    return sharing.next_trial(study, limit, who or WHO)


def test_a_study_gets_no_more_trials_than_asked_for(study):
    numbers = [ask(study, 3).number for _ in range(3)]
    assert numbers == [0, 1, 2]
    assert ask(study, 3) is None
    study.tell(0, state=TrialState.FAIL)
    assert ask(study, 3) is None  # a failed trial is one of them
    assert ask(study, 4).number == 3
    assert [trial.user_attrs[sharing.FOLDER] for trial in study.trials] == [f'trial{n}' for n in range(4)]


def test_of_two_that_ask_for_the_last_one_the_later_gets_none(study, monkeypatch):
    ask(study, 2)
    count, asked = sharing.counted, []

    def counted_before_another_asks(study):
        """What this process knows is old: another asks right after it has counted."""
        trials = count(study)
        if not asked:
            asked.append(study.ask())
        return trials

    monkeypatch.setattr(sharing, 'counted', counted_before_another_asks)
    assert ask(study, 2) is None
    monkeypatch.undo()
    assert [trial.number for trial in sharing.counted(study)] == [0, 1]
    assert study.trials[2].state == TrialState.FAIL
    last = ask(study, 3)  # the number that was one too many is not missed, nor its place taken
    assert (last.number, sharing.place(study.trials[3])) == (3, 3)
    assert ask(study, 3) is None


def test_a_trial_goes_on_under_a_new_number_with_all_that_is_known(study):
    study.enqueue_trial({'lr': 0.5})
    trial = ask(study)
    assert trial.suggest_float('lr', 0, 1) == 0.5
    other = trial.suggest_float('other', 0, 1)
    trial.report(7.0, step=3)
    sharing.requeue(study, study.trials[0], died=False)
    assert study.trials[0].state == TrialState.FAIL
    after = ask(study, limit=1)
    assert after.number == 1
    assert (after.suggest_float('lr', 0, 1), after.suggest_float('other', 0, 1)) == (0.5, other)
    assert study.trials[1].intermediate_values == {3: 7.0}
    assert after.user_attrs[sharing.FOLDER] == 'trial0'
    assert sharing.place(study.trials[1]) == 0
    assert sharing.next_trial(study, 2, WHO).user_attrs[sharing.FOLDER] == 'trial1'
    assert [trial.number for trial in sharing.counted(study)] == [1, 2]


def test_only_one_process_takes_a_trial_over(study):
    ask(study)
    (dead,) = study.trials
    sharing.requeue(study, dead, died=True)
    sharing.requeue(study, dead, died=True)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]


def test_a_trial_that_kills_every_process_fails(study):
    ask(study)
    for _ in range(2):
        sharing.requeue(study, study.trials[-1], died=True)
        assert ask(study, limit=1) is not None
    sharing.requeue(study, study.trials[-1], died=True)
    assert ask(study, limit=1) is None
    (trial,) = sharing.counted(study)
    assert trial.state == TrialState.FAIL
    assert sharing.reason_of(trial) == '3 processes died while it was trained'


def test_a_trial_that_was_stopped_often_does_not_fail(study):
    ask(study)
    for _ in range(5):
        sharing.requeue(study, study.trials[-1], died=False)
        assert ask(study, limit=1) is not None


def test_who_is_dead(study, tmp_path):
    here = socket.gethostname()
    with sharing.owner(tmp_path) as who:
        ask(study, who=who)
        assert not sharing.is_dead(study.trials[0])
    assert sharing.is_dead(study.trials[0])
    assert not list((tmp_path / 'searching').iterdir())
    ask(study, who=dict(host=here, folder=str(tmp_path / 'never')))
    assert sharing.is_dead(study.trials[1])


def test_another_machine_is_dead_when_it_is_silent(study, monkeypatch):
    trial = ask(study)
    assert not sharing.is_dead(study.trials[0])
    later = time.time() + sharing.SILENCE + 1
    monkeypatch.setattr(time, 'time', lambda: later)
    assert sharing.is_dead(study.trials[0])
    trial.set_user_attr(sharing.BEAT, later - 5)
    assert not sharing.is_dead(study.trials[0])


def start(project, request) -> subprocess.Popen:
    """A process of the search, in a session of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            '-c',
            WORKER,
            str(project.root),
            str(request.folder.parents[3]),
            request.storage,
            str(request.trials),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(TESTS), 'OMP_NUM_THREADS': '1'},
    )


def begun(said: str) -> list[str]:
    """The folders of the trials that a process began."""
    return next(line for line in said.splitlines() if line.startswith('BEGUN')).split()[1:]


@pytest.mark.parametrize('storage', ['journal', 'sqlite'])
def test_two_processes_share_a_study(project, tmp_path, storage):
    """Every trial is trained once, by one of the two."""
    places = dict(sqlite=dict(storage=f'sqlite:///{tmp_path}/study.db'), journal={})
    request = make_request(project, tmp_path, trials=8, **places[storage])
    workers = [start(project, request) for _ in range(2)]
    said = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    folders = [folder for each in said for folder in begun(each)]
    assert all(map(begun, said)), 'both had something to do'
    assert sorted(folders) == sorted(f'trial{number}' for number in range(8))
    study = open_study(request)
    assert [trial.state for trial in sharing.counted(study)] == [TrialState.COMPLETE] * 8
    values = [tuple(trial.params.items()) for trial in sharing.counted(study)]
    assert len(set(values)) == 8


def test_what_a_killed_process_was_at_is_gone_on_with(project, tmp_path):
    request = make_request(project, tmp_path, trials=4)
    worker = start(project, request)
    wait_until(lambda: list(request.folder.glob('trial1/train/*/vis_data/scalars.json')))
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    study = optuna.load_study(study_name='S', storage=open_storage(request.storage))
    left = [trial.number for trial in study.trials if trial.state == TrialState.RUNNING]
    assert left
    second = start(project, request)
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert {f'trial{number}' for number in left} <= set(begun(said))
    assert sorted(folder.name for folder in request.folder.glob('trial*')) == [f'trial{n}' for n in range(4)]
    trials = sharing.counted(open_study(request))
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert {trial.user_attrs.get(sharing.CONTINUES) for trial in trials} - {None} == set(left)

"""The loop of a search: what is started, told, given up and handed on, with an engine that trains nothing."""

import json
import signal

import pytest
from optuna.trial import TrialState
from search_project import LR, SPACE, STEPS, FakeEngine, by_rate, make_request
from tiny_project import make_project

from mmseg_ext.engine import interrupt
from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.sweeps.engines.lock import BusyError
from mmseg_ext.sweeps.jobs import Ended
from mmseg_ext.sweeps.search import sharing
from mmseg_ext.sweeps.search.request import read_objective
from mmseg_ext.sweeps.search.search import run_search
from mmseg_ext.sweeps.search.study import open_study
from mmseg_ext.sweeps.search.trials import Loop
from mmseg_ext.sweeps.search.wording import shown_scores

LINE = f'parameters: {{{LR}: {{log: [1e-4, 1]}}}}'  # a space of one parameter


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def request_of(project, tmp_path):
    return lambda trials=4, space=LINE, **changes: make_request(project, tmp_path, trials, space, **changes)


def loop(request, engine):
    """Run the trials alone; the study and the trials that were told."""
    study, told = open_study(request), []
    Loop(study, request, engine, told.append).run()
    assert not engine.running
    return study, told


def states(study) -> list[str]:
    return [trial.state.name for trial in sharing.counted(study)]


def in_turn(*scores):
    """A score for each trial in the order of their folders."""
    return lambda job: scores[int(job.folder.name.removeprefix('trial')) % len(scores)]


def test_a_score_with_a_tag_is_an_objective(request_of):
    name = 'ODS@bsds-0.0075d'
    objectives = (read_objective(name),)
    engine = FakeEngine(score=lambda _: 34.5, extra=lambda _: {name: 0.71234, 'IoU.crack': 34.5})
    request = request_of(trials=1, objectives=objectives)
    study, _ = loop(request, engine)
    (trial,) = study.trials
    assert trial.value == 0.71234
    assert trial.user_attrs['scores'] == {'mIoU_fg': 34.5, name: 0.71234}  # those of classes stay in its folder
    assert shown_scores(request, trial) == f'{name} 0.7123'


def test_every_trial_is_trained_and_told(request_of):
    request, engine = request_of(space=SPACE), FakeEngine(slots=2)
    study, told = loop(request, engine)
    assert [job.folder for job in engine.begun] == [request.folder / f'trial{number}' for number in range(4)]
    assert states(study) == ['COMPLETE'] * 4
    assert sorted(trial.number for trial in told) == [0, 1, 2, 3]
    for trial, job in zip(study.trials, engine.begun, strict=True):
        assert trial.value == pytest.approx(by_rate(job))
        assert trial.intermediate_values == pytest.approx({step: trial.value * step / 6 for step in STEPS})
        assert trial.user_attrs['options'] == job.options
        assert trial.user_attrs['swaps'] == list(job.swaps)
        kept = json.loads((job.folder / 'trial.json').read_text())
        assert (kept['trial'], kept['state']) == (trial.number, 'complete')
        assert kept['scores'] == {'mIoU_fg': pytest.approx(trial.value)}
        assert kept['values'][LR] == job.options[LR]
    assert engine.begun[0].options[LR] == 0.02  # the recipe as it is


def test_a_failed_trial_keeps_its_reason_and_the_others_go_on(request_of):
    request = request_of()
    study, _ = loop(request, FakeEngine(in_turn(30.0, 'iteration 3: loss is nan', 20.0)))
    assert states(study) == ['COMPLETE', 'FAIL', 'COMPLETE', 'COMPLETE']
    assert sharing.reason_of(study.trials[1]) == 'iteration 3: loss is nan'
    kept = json.loads((request.folder / 'trial1/trial.json').read_text())
    assert (kept['state'], kept['reason']) == ('fail', 'iteration 3: loss is nan')


def test_a_score_that_is_no_number_is_a_failure(request_of):
    request = request_of(2, objectives=(read_objective('IoU.a'),))
    study, _ = loop(request, FakeEngine(extra=lambda job: {'IoU.a': None if 'trial0' in str(job.folder) else 5.0}))
    assert states(study) == ['FAIL', 'COMPLETE']
    assert sharing.reason_of(study.trials[0]) == 'IoU.a of the validation split is not a number'


def test_a_combination_that_does_not_fit_fails_without_a_process(request_of):
    space = 'parameters: {model.decode_head.loss_decode.gamma: {log: [1, 2]}}'
    engine = FakeEngine()
    study, told = loop(request_of(2, space), engine)
    assert states(study) == ['FAIL', 'FAIL']
    assert not engine.begun
    assert 'no "gamma" there' in sharing.reason_of(told[0])


def test_an_engine_that_cannot_begin_is_a_failure_of_the_trial(request_of, monkeypatch):
    engine = FakeEngine()
    monkeypatch.setattr(engine, 'start', lambda job: (_ for _ in ()).throw(OSError('no space left')))
    study, _ = loop(request_of(2), engine)
    assert [sharing.reason_of(trial) for trial in study.trials] == ['no space left'] * 2


def test_what_is_worse_than_the_median_is_given_up_at_its_step(request_of):
    """Five trials are waited for; the sixth is below their median at iteration 2, the seventh is not."""
    request = request_of(7, pruner='median')
    engine = FakeEngine(in_turn(30, 31, 32, 33, 34, 31.9, 32.1))
    study, _ = loop(request, engine)
    assert states(study) == [*['COMPLETE'] * 5, 'PRUNED', 'COMPLETE']
    (stopped,) = engine.stopped
    assert stopped.folder.name == 'trial5'
    pruned = study.trials[5]
    assert pruned.intermediate_values.keys() == {2}
    assert pruned.user_attrs['reason'] == 'given up at iteration 2'
    assert json.loads((request.folder / 'trial5/trial.json').read_text())['state'] == 'pruned'


def test_nothing_is_given_up_at_its_last_iteration(request_of):
    """At iterations 2 and 4 the sixth trial leads; at 6, where all is done, it is far behind."""
    engine = FakeEngine(in_turn(30, 31, 32, 33, 34, 35))
    validate = engine._validate
    engine._validate = lambda job, step, value: validate(
        job, step, 1.0 if job.folder.name == 'trial5' and step == STEPS[-1] else value
    )
    study, _ = loop(request_of(6, pruner='median'), engine)
    assert states(study) == ['COMPLETE'] * 6
    assert not engine.stopped


def test_a_trial_that_ends_before_it_can_be_stopped_counts(request_of):
    """It was to be given up, but had just finished: a score is a score."""
    engine = FakeEngine(in_turn(30, 31, 32, 33, 34, 1))
    engine.stop = lambda job: None
    study, _ = loop(request_of(6, pruner='median'), engine)
    assert states(study) == ['COMPLETE'] * 6
    assert study.trials[5].value == 1


def test_a_trial_that_is_faster_than_a_look_at_it_keeps_its_curve(request_of):
    engine = FakeEngine()
    step = engine._step

    def to_the_end(job):
        while (end := step(job)) is None:
            pass
        return end

    engine._step = to_the_end
    study, _ = loop(request_of(1), engine)
    assert study.trials[0].intermediate_values.keys() == set(STEPS)


def test_what_was_given_up_already_is_not_killed_when_the_search_is_stopped(request_of, monkeypatch):
    """An engine that is asked a second time ends a run at once."""
    engine = FakeEngine(in_turn(30, 31, 32, 33, 34, 1))
    monkeypatch.setattr(interrupt, 'requested', lambda: signal.SIGINT if engine.stopped else None)
    study, _ = loop(request_of(9, pruner='median'), engine)
    assert states(study) == [*['COMPLETE'] * 5, 'PRUNED']


def test_several_objectives_are_a_front_and_nothing_is_given_up(request_of):
    objectives = read_objective('mIoU_fg'), read_objective('FalseAlarms')
    engine = FakeEngine(in_turn(30, 40, 20), extra=lambda job: {'FalseAlarms': in_turn(1.0, 5.0, 2.0)(job)})
    study, _ = loop(request_of(3, objectives=objectives, pruner='median'), engine)
    assert [trial.values for trial in study.trials] == [[30.0, 1.0], [40.0, 5.0], [20.0, 2.0]]
    assert [trial.number for trial in study.best_trials] == [0, 1]
    assert not engine.stopped


def test_an_objective_that_nobody_measures_ends_the_search_at_the_first_validation(request_of):
    engine = FakeEngine(slots=2)
    request = request_of(objectives=(read_objective('mIoU_gf'),))
    with pytest.raises(UsageError, match='--objective mIoU_gf: not measured; did you mean mIoU_fg'):
        loop(request, engine)
    assert len(engine.begun) == len(engine.stopped) == 2
    assert not engine.running


def interrupted_after(monkeypatch, calls: int) -> None:
    """The signal comes when the loop has asked for it so often."""
    left = [None] * calls
    monkeypatch.setattr(interrupt, 'requested', lambda: left.pop() if left else signal.SIGINT)


def test_what_is_interrupted_goes_on_in_its_folder(request_of, monkeypatch):
    request, engine = request_of(3), FakeEngine(slots=2)
    interrupted_after(monkeypatch, 2)
    study, told = loop(request, engine)
    assert [job.folder.name for job in engine.stopped] == ['trial0', 'trial1']
    assert not told
    assert sorted(states(study)) == ['WAITING', 'WAITING']
    monkeypatch.undo()
    again = FakeEngine(slots=2)
    study, told = loop(request, again)
    assert [job.folder.name for job in again.begun] == ['trial0', 'trial1', 'trial2']
    assert [job.options for job in again.begun[:2]] == [job.options for job in engine.begun]
    assert states(study) == ['COMPLETE'] * 3
    assert [sharing.place(trial) for trial in sharing.counted(study)] == [0, 1, 2]


def test_points_that_were_reported_before_an_interruption_are_not_reported_again(request_of, monkeypatch, recwarn):
    request = request_of(1)
    interrupted_after(monkeypatch, 2)  # after two validations
    study, _ = loop(request, FakeEngine())
    assert len(study.trials[-1].intermediate_values) == 2
    monkeypatch.undo()
    study, _ = loop(request, FakeEngine())
    assert study.trials[-1].intermediate_values.keys() == set(STEPS)
    assert not [warning for warning in recwarn if 'already reported' in str(warning.message)]


def test_a_finished_trial_is_told_even_in_the_middle_of_an_interruption(request_of, monkeypatch):
    engine = FakeEngine()
    engine.stop = lambda job: None  # too late
    interrupted_after(monkeypatch, 2)
    _, told = loop(request_of(2), engine)
    assert [trial.state for trial in told] == [TrialState.COMPLETE]


def test_after_the_timeout_no_trial_is_begun(request_of, monkeypatch):
    request, engine = request_of(9, timeout=100.0), FakeEngine()
    clock = iter(range(0, 100_000, 30))
    monkeypatch.setattr('mmseg_ext.sweeps.search.trials.time.monotonic', lambda: float(next(clock)))
    study, _ = loop(request, engine)
    assert 1 <= len(engine.begun) < 4
    assert set(states(study)) == {'COMPLETE'}


def test_a_trial_that_another_process_took_over_is_let_go(request_of):
    """The other one thought us dead; its result counts, ours does not."""
    request, engine = request_of(2), FakeEngine()
    step = engine._step

    def step_while_another_takes_over(job):
        if job.folder.name == 'trial0' and len(engine.validated(job)) == 1:
            study = open_study(request)
            if study.trials[0].state == TrialState.RUNNING:
                sharing.requeue(study, study.trials[0], died=True)
        return step(job)

    engine._step = step_while_another_takes_over
    study, told = loop(request, engine)
    assert [job.folder.name for job in engine.stopped] == ['trial0']
    assert study.trials[0].state == TrialState.FAIL
    assert {trial.number for trial in told} == {1, 2}
    assert states(study) == ['COMPLETE'] * 2  # the one that was waiting was gone on with, here


def test_a_trial_whose_old_process_still_lives_waits(request_of):
    request, engine = request_of(1), FakeEngine()
    step, refused = engine._step, []

    def busy_at_first(job):
        if refused:
            return step(job)
        refused.append(engine.running.pop(job.folder))
        return Ended(job, BusyError.exit_code, 30.0, 'another process works on this run')

    engine._step = busy_at_first
    study, _ = loop(request, engine)
    assert states(study) == ['COMPLETE']
    assert [job.folder.name for job in engine.begun] == ['trial0', 'trial0']


def test_a_search_from_end_to_end_and_on(request_of, capsys):
    request = request_of(3, SPACE)
    run_search(request, FakeEngine(in_turn(30, 'killed by signal 9 (out of memory?)', 50.0)))
    out = capsys.readouterr().out
    assert 'S: 3 trials, 1 at once' in out
    assert 'on the validation split alone' in out
    assert 'trial 1: killed by signal 9 (out of memory?)' in out
    assert 'best: trial 2, mIoU_fg 50.00' in out
    assert all(str(request.folder / name) in out for name in ('best.py', 'confirm.yaml', 'report.html'))
    engine = FakeEngine(in_turn(60.0))
    study = run_search(request_of(5, SPACE), engine)
    assert [job.folder.name for job in engine.begun] == ['trial3', 'trial4']
    assert study.best_value == 60.0
    assert 'S: 5 trials, 3 of them done before' in capsys.readouterr().out


def test_a_search_without_any_finished_trial_has_failed(request_of):
    request = request_of(2)
    with pytest.raises(RunError, match='all 2 trials failed, the last one because: out of memory'):
        run_search(request, FakeEngine(lambda job: 'out of memory'))
    assert (request.folder / 'report.html').exists()


def test_an_interrupted_search_says_how_to_go_on(request_of, monkeypatch):
    interrupted_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt, match='stopped with 0 trials done; to go on: '):
        run_search(request_of(4), FakeEngine())

"""A sweep with processes that put a finished run into their folder, fail, wait or die, instead of training."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_project import draw_confusions, write_run
from script_job import ScriptJob, wait_until
from tiny_project import Project, make_project

from mmseg_ext.engine import interrupt
from mmseg_ext.errors import DataError, RunError
from mmseg_ext.sweeps import sweep
from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.engines.lock import exclusive
from mmseg_ext.sweeps.jobs import FAILURE, LOG, Ended, Job
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import Line, Plan
from mmseg_ext.sweeps.sweep import run_sweep

COPY = 'import shutil; shutil.copytree({0!r}, {1!r}, dirs_exist_ok=True)'
OBEDIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit('error: saved'))
print('up')
time.sleep(60)
"""
DEAF = 'import signal, time; signal.signal(15, signal.SIG_IGN); print("up"); time.sleep(60)'


class Counting(LocalEngine):
    """Remembers what was started and how many ran at once."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.started, self.most = [], 0

    def start(self, job: Job) -> None:
        super().start(job)
        self.started.append(job.folder.name)
        self.most = max(self.most, len(self._running))


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture(scope='module')
def finished(made, tmp_path_factory) -> Path:
    """Finished runs of the tiny recipe, ``seed0`` to ``seed5``."""
    config = JobConfigs().of(Job(made.recipe, made.root))
    same = dict(config_hash=config.hash, data_hash=config.data_hash('train'), split_hash=config.data_hash('test'))
    root = tmp_path_factory.mktemp('finished')
    for seed in range(6):
        write_run(root / f'seed{seed}', draw_confusions(8, 0.5, seed), seed=seed, **same)
    return root


@pytest.fixture
def plan(made, finished, tmp_path, monkeypatch) -> Plan:
    """Four runs of one line; each puts a finished run into its folder."""
    monkeypatch.setattr(sweep, 'TICK', 0.1)
    project = tmp_path / 'work_dirs/p'
    folders = [project / f'exp/tiny/tiny/seed{seed}' for seed in range(4)]
    jobs = tuple(
        ScriptJob(made.recipe, folder, seed=seed, code=COPY.format(str(finished / folder.name), str(folder)))
        for seed, folder in enumerate(folders)
    )
    return Plan('tiny', 'Tiny runs', ('Model', 'Set'), 'best', project, (Line('Tiny', 'mine', jobs),))


@pytest.fixture
def engine() -> Iterator[Counting]:
    counting = Counting(2)
    yield counting
    counting.close()


def with_code(plan: Plan, *codes: str | None) -> Plan:
    """The plan with other code for its first jobs, where it is not None."""
    (line,) = plan.lines
    changed = [
        job if code is None else replace(job, code=code) for job, code in zip(line.jobs, codes, strict=False)
    ]
    return replace(plan, lines=(replace(line, jobs=(*changed, *line.jobs[len(codes) :])),))


def is_up(job: Job) -> bool:
    return (job.folder / LOG).is_file() and 'up\n' in (job.folder / LOG).read_text()


@contextlib.contextmanager
def beside(work) -> Iterator[None]:
    """Do ``work`` in a thread, and see that it ended well."""
    failed = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not failed


def names(ended: list[Ended]) -> list[str]:
    return sorted(each.job.folder.name for each in ended)


def test_all_runs_are_done_compared_and_never_repeated(plan, engine, capsys):
    ended = run_sweep(plan, engine)
    assert names(ended) == ['seed0', 'seed1', 'seed2', 'seed3']
    assert {each.code for each in ended} == {0}
    assert engine.most == 2
    out = capsys.readouterr().out
    assert re.search(r'^Tiny runs: 4 new; ', out)
    lines = re.findall(
        r'^(\d)/4 finished  tiny/tiny/(seed\d): mIoU_fg [\d.]+, mAcc_fg [\d.]+ in \d s', out, re.MULTILINE
    )
    assert [number for number, _ in lines] == ['1', '2', '3', '4']
    assert sorted(name for _, name in lines) == names(ended)
    for file in ('report.html', 'tables.md', 'results.csv'):
        assert f'{plan.project}/{file}\n' in out
        assert (plan.project / file).is_file()
    assert (plan.project / 'sweeps/tiny.json').is_file()

    assert run_sweep(plan, engine) == []
    out = capsys.readouterr().out
    assert '4 finished; nothing is left to do' in out
    assert 'by another process' not in out
    assert len(engine.started) == 4


def test_only_what_is_not_finished_is_started(plan, engine):
    run_sweep(replace(plan, lines=(replace(plan.lines[0], jobs=plan.jobs[1:3]),)), engine)
    engine.started.clear()
    assert names(run_sweep(plan, engine)) == sorted(engine.started) == ['seed0', 'seed3']


def test_a_failed_run_is_told_at_once_and_stops_nobody(plan, engine, capsys):
    failing = with_code(plan, 'import sys; sys.exit("error: no such thing")', 'import os; os.kill(os.getpid(), 9)')
    ended = {each.job.folder.name: each for each in run_sweep(failing, engine)}
    assert {name: each.code for name, each in ended.items()} == {'seed0': 1, 'seed1': -9, 'seed2': 0, 'seed3': 0}
    out = capsys.readouterr().out
    course, tables = out.split('\n\n', 1)
    for seed, reason in ((0, 'no such thing'), (1, 'killed by signal 9 (out of memory?)')):
        assert re.search(rf'\d/4 failed    tiny/tiny/seed{seed}: {re.escape(reason)}\n', course)
        assert f'log: {plan.project}/exp/tiny/tiny/seed{seed}/log.txt\n' in course
        assert reason in ' '.join(tables.split())
    assert names(run_sweep(plan, engine)) == ['seed0', 'seed1']
    assert not list(plan.project.rglob(FAILURE))


def test_a_run_that_cannot_even_begin_has_failed(plan, engine, capsys):
    plan.jobs[0].folder.parent.mkdir(parents=True)
    plan.jobs[0].folder.write_text('a file where the folder should be')
    ended = run_sweep(plan, engine)
    assert {each.job.folder.name: each.code for each in ended}['seed0'] == 2
    assert 'failed    tiny/tiny/seed0: ' in capsys.readouterr().out
    assert len(ended) == 4


def test_two_sweeps_share_the_runs(plan, finished, engine, capsys):
    """A run that another process works on is left to it, and is ours when it gives up."""
    theirs, given_up = plan.jobs[0], plan.jobs[1]
    for job in (theirs, given_up):
        job.folder.mkdir(parents=True)
    held = threading.Barrier(2)

    def other_process() -> None:
        with exclusive(theirs.folder), exclusive(given_up.folder):
            held.wait()
            wait_until(lambda: len(engine.started) == 2 and not engine._running)
            time.sleep(0.3)
            exec(theirs.code)

    with beside(other_process):
        held.wait()
        ended = run_sweep(plan, engine)
    assert engine.started == ['seed2', 'seed3', 'seed1']
    assert names(ended) == ['seed1', 'seed2', 'seed3']
    assert re.search(r'\d/4 finished  tiny/tiny/seed0: by another process', capsys.readouterr().out)


def test_a_run_that_another_process_takes_first_is_tried_again(plan, engine, tmp_path):
    taken = (
        f'import os, sys\nif not os.path.exists("{tmp_path}/once"): open("{tmp_path}/once", "w"); sys.exit(75)\n'
    )
    ended = run_sweep(with_code(plan, taken + plan.jobs[0].code), engine)
    assert {each.code for each in ended} == {0}
    assert engine.started.count('seed0') == 2


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_runs_save_and_begins_no_other(plan, engine, capfd, number):
    waiting = with_code(plan, None, OBEDIENT, OBEDIENT)

    def interrupts() -> None:
        wait_until(lambda: is_up(plan.jobs[1]) and is_up(plan.jobs[2]))
        os.kill(os.getpid(), number)

    with beside(interrupts), pytest.raises(KeyboardInterrupt) as caught:
        run_sweep(waiting, engine)
    assert re.fullmatch(
        r'stopped with 1 of 4 runs finished, 2 cut and saved; to go on: \S*python\S* .*', str(caught.value)
    )
    assert engine.started == ['seed0', 'seed1', 'seed2']
    assert not list(plan.project.rglob(FAILURE))
    said = capfd.readouterr()
    assert said.err == 'finishing this iteration, then saving; once more stops at once\n'
    stopped = re.findall(r'stopped   tiny/tiny/(seed\d)', said.out)
    assert sorted(stopped) == ['seed1', 'seed2']  # in the order in which they ended
    assert 'report.html' not in said.out
    assert names(run_sweep(plan, engine)) == ['seed1', 'seed2', 'seed3']


def test_a_second_signal_ends_at_once(plan, engine, monkeypatch):
    monkeypatch.setattr(interrupt, 'SAME', 0.0)

    def interrupts_twice() -> None:
        wait_until(lambda: is_up(plan.jobs[0]) and is_up(plan.jobs[1]))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    start = time.monotonic()
    with beside(interrupts_twice), pytest.raises(KeyboardInterrupt):
        run_sweep(with_code(plan, DEAF, DEAF), engine)
    processes = [running.process for running in engine._running.values()]
    assert len(processes) == 2
    engine.close()
    assert [process.returncode for process in processes] == [-9, -9]
    assert time.monotonic() - start < 30


def test_what_a_plan_needs_is_made_first(plan, engine, tmp_path, capfd):
    made = tmp_path / 'made here'
    command = f'python -c "import torch; open({str(made)!r}, \'w\')"'  # ours, not any that is on the path
    run_sweep(replace(plan, prepare={str(made): command}), engine)
    assert f'{made} is not there yet: {command}\n' in capfd.readouterr().out
    before = made.stat().st_mtime_ns
    run_sweep(replace(plan, prepare={str(made): command}), engine)
    assert made.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ('command', 'said'),
    [
        ('python -c "raise SystemExit(4)"', 'python ended with exit code 4; '),
        ('python -c ""', '.*/nothing is still not there; '),
        ('no-such-program', 'no-such-program cannot be started'),
    ],
)
def test_without_what_it_needs_a_plan_does_not_begin(plan, engine, tmp_path, command, said):
    with pytest.raises(RunError, match=f'{said}.*the plan makes it with: {re.escape(command)}'):
        run_sweep(replace(plan, prepare={str(tmp_path / 'nothing'): command}), engine)
    assert not engine.started
    assert not plan.project.exists()


def test_no_run_begins_when_the_data_of_all_is_missing(plan, engine, tmp_path):
    root = {'train_dataloader.dataset.data_root': str(tmp_path / 'nowhere')}
    jobs = tuple(replace(job, options=root) for job in plan.jobs)
    with pytest.raises(DataError, match=f'missing: {tmp_path}/nowhere'):
        run_sweep(replace(plan, lines=(replace(plan.lines[0], jobs=jobs),)), engine)
    assert not engine.started
    assert not plan.project.exists()

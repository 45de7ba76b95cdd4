"""The local engine with real processes that do nothing but what the test is about."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from script_job import ScriptJob, wait_until

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines import local
from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.engines.process import STOPPED, start_process
from mmseg_ext.sweeps.jobs import FAILURE, LOG, Ended

OBEDIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit('error: stopped after iteration 7'))
print('ready')
time.sleep(60)
"""
DEAF = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("ready"); time.sleep(60)'


def job(folder: Path, code: str) -> ScriptJob:
    return ScriptJob(Path('recipe.py'), folder, code=code)


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.delenv('PYTHONUNBUFFERED', raising=False)
    made = LocalEngine(2)
    yield made
    made.close()


def ended(engine: LocalEngine, count: int = 1, seconds: float = 30) -> list[Ended]:
    """The next ``count`` ends."""
    found, until = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += engine.ended(1.0)
    return found


def is_ready(folder: Path) -> bool:
    return (folder / LOG).is_file() and 'ready\n' in (folder / LOG).read_text()


def run(engine: LocalEngine, folder: Path, code: str) -> Ended:
    engine.start(job(folder, code))
    return ended(engine)[0]


def test_what_a_run_prints_is_kept_attempt_after_attempt(engine, tmp_path):
    for word in ('first', 'second'):
        done = run(engine, tmp_path, f'import sys; print("{word}"); print("{word} too", file=sys.stderr)')
        assert (done.code, done.reason) == (0, '')
        assert 0 < done.seconds < 20
    log = (tmp_path / LOG).read_text()
    assert re.findall(r'^(?:first|second).*', log, re.MULTILINE) == ['first', 'first too', 'second', 'second too']
    assert len(re.findall(r'^=== \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S*python\S* -c ', log, re.MULTILINE)) == 2
    assert not (tmp_path / FAILURE).exists()


def test_a_failure_is_written_down_until_the_next_attempt(engine, tmp_path):
    done = run(engine, tmp_path, 'import sys; print("error: no such data", file=sys.stderr); sys.exit(3)')
    assert (done.code, done.reason) == (3, 'no such data')
    failure = json.loads((tmp_path / FAILURE).read_text())
    assert failure['seconds'] == round(done.seconds, 1)
    assert (failure['reason'], failure['code'], failure['log']) == ('no such data', 3, str(tmp_path / LOG))
    assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', failure['time'])
    engine.start(job(tmp_path, DEAF))
    assert not (tmp_path / FAILURE).exists()


@pytest.mark.parametrize(
    ('code', 'said'),
    [
        ('import os; os.kill(os.getpid(), 9)', r'killed by signal 9 \(out of memory\?\)'),
        ('import os; os.abort()', r'killed by signal 6 \(SIGABRT\)'),
        ('raise MemoryError', 'out of memory; lower train_dataloader.batch_size .*: MemoryError'),
        (
            'import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**31)',
            'out of memory; lower train_dataloader.batch_size .*: MemoryError',
        ),
        (
            'import torch; torch.empty(2**50)',
            "out of memory; .*can't allocate memory: you tried to allocate .* bytes.*",
        ),
        ('class CUDAError(Exception): pass\nraise CUDAError("no kernel\\nsecond line")', 'CUDAError: no kernel'),
        ('import os; print("error: an old warning"); os._exit(7)', 'an old warning'),
        ('import os; os._exit(7)', 'ended with exit code 7 and without a word'),
    ],
)
def test_why_a_process_ended(engine, tmp_path, code, said):
    assert re.fullmatch(said, run(engine, tmp_path, code).reason)


def test_a_run_that_another_process_works_on_has_not_failed(engine, tmp_path):
    assert run(engine, tmp_path, 'import sys; sys.exit(75)').code == 75
    assert not (tmp_path / FAILURE).exists()


def test_runs_go_on_beside_each_other(engine, tmp_path):
    """Each of two waits for the other one's file."""
    wait = 'import os, time; open("{0}", "w")\nwhile not os.path.exists("{1}"): time.sleep(.01)'
    for one, other in (('a', 'b'), ('b', 'a')):
        engine.start(job(tmp_path / one, wait.format(tmp_path / f'{one}.txt', tmp_path / f'{other}.txt')))
    assert [each.code for each in ended(engine, 2)] == [0, 0]


def test_waiting_for_an_end_ends_with_the_first_or_in_time(engine, tmp_path):
    start = time.monotonic()
    assert engine.ended(0.3) == []
    assert 0.3 <= time.monotonic() - start < 5
    engine.start(job(tmp_path / 'slow', DEAF))
    engine.start(job(tmp_path / 'quick', ''))
    assert [each.job.folder.name for each in engine.ended(50)] == ['quick']
    assert time.monotonic() - start < 30


def test_a_stopped_run_has_time_to_save_and_has_not_failed(engine, tmp_path):
    engine.start(job(tmp_path, OBEDIENT))
    wait_until(lambda: is_ready(tmp_path))
    engine.stop(job(tmp_path, OBEDIENT))
    done = ended(engine)[0]
    assert (done.code, done.reason) == (1, STOPPED)
    assert 'error: stopped after iteration 7' in (tmp_path / LOG).read_text()
    assert not (tmp_path / FAILURE).exists()


def test_asked_twice_a_run_ends_at_once_with_its_loaders(engine, tmp_path):
    loader = 'import subprocess; print("loader", subprocess.Popen(["sleep", "100"]).pid);'
    stubborn = job(tmp_path, loader + DEAF)
    engine.start(stubborn)
    wait_until(lambda: is_ready(tmp_path))
    engine.stop(stubborn)
    assert engine.ended(0.3) == []
    engine.stop(stubborn)
    done = ended(engine)[0]
    assert (done.code, done.reason) == (-9, STOPPED)
    loader = int(re.search(r'loader (\d+)', (tmp_path / LOG).read_text())[1])
    wait_until(lambda: not is_alive(loader), 10)


def is_alive(number: int) -> bool:
    """Whether a process runs; one that is dead and only waits to be asked does not."""
    state = Path(f'/proc/{number}/stat')
    return state.exists() and state.read_text().rpartition(')')[2].split()[0] != 'Z'


def test_close_leaves_nothing_behind(tmp_path):
    engine = LocalEngine(2)
    for name in 'ab':
        engine.start(job(tmp_path / name, f'import os; print(os.getpid());{DEAF}'))
    wait_until(lambda: all(is_ready(tmp_path / name) for name in 'ab'))
    engine.close()
    numbers = [int((tmp_path / name / LOG).read_text().splitlines()[-2]) for name in 'ab']
    assert not any(map(is_alive, numbers))
    assert not list(tmp_path.rglob(FAILURE))
    assert engine.ended(0) == []


def test_a_run_hears_no_ctrl_c_of_the_terminal(engine, tmp_path):
    """It is in a session of its own, so that the one who started it decides."""
    run(engine, tmp_path, 'import os; print(os.getsid(0) == os.getpid())')
    assert (tmp_path / LOG).read_text().splitlines()[-1] == 'True'


def test_the_pipe_of_a_run_ends_when_its_starter_is_killed(tmp_path):
    """Nothing else holds it open: not even another run that was started in between."""
    waits = f'import os; print("ready", flush=True); os.read(0, 1); open("{tmp_path}/end", "w")'
    starter = (
        'import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n'
        'from script_job import ScriptJob; from mmseg_ext.sweeps.engines.process import start_process\n'
        f'for name, code in (("a", {waits!r}), ("b", "import time; time.sleep(20)")):\n'
        f'    globals()[name] = start_process(ScriptJob(Path("r"), Path("{tmp_path}", name), code=code), {{}})\n'
        'time.sleep(60)'
    )
    process = subprocess.Popen([sys.executable, '-c', starter, str(Path(__file__).parents[1])])
    wait_until(lambda: is_ready(tmp_path / 'a'))
    assert not (tmp_path / 'end').exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: (tmp_path / 'end').exists(), 10)


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UsageError, match='cannot write there'):
        start_process(job(tmp_path / 'file/run', ''), {})


@pytest.mark.parametrize(
    ('visible', 'gpus', 'expected'),
    [
        (None, (), ['', '', '']),
        ('4,5', (), ['', '', '']),
        (None, (0, 1), ['0', '1', '0']),
        ('4, GPU-8a7f', (0, 1), ['4', 'GPU-8a7f', '4']),
        ('4,5', (1,), ['5', '5', '5']),
    ],
)
def test_every_slot_sees_one_gpu(monkeypatch, visible, gpus, expected):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if visible is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
    engine = LocalEngine(3, gpus)
    assert [engine.environment(slot)['CUDA_VISIBLE_DEVICES'] for slot in range(3)] == expected


def test_runs_at_once_get_different_slots_and_a_free_one_is_used_again(tmp_path, monkeypatch):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    engine = LocalEngine(2, (0, 1))
    show = 'import os; print("gpu", os.environ["CUDA_VISIBLE_DEVICES"]);'
    try:
        engine.start(job(tmp_path / 'a', show))
        engine.start(job(tmp_path / 'b', show + OBEDIENT))
        ended(engine)
        engine.start(job(tmp_path / 'c', show))
        ended(engine)
    finally:
        engine.close()
    logs = [(tmp_path / name / LOG).read_text() for name in 'abc']
    assert [re.search(r'^gpu (.*)', log, re.MULTILINE)[1] for log in logs] == ['0', '1', '0']


@pytest.mark.parametrize(('cores', 'slots', 'threads'), [(8, 2, '4'), (8, 3, '2'), (2, 4, '1')])
def test_runs_share_the_cores(monkeypatch, cores, slots, threads):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(local, 'cores', lambda: cores)
    environment = LocalEngine(slots).environment(0)
    assert {environment[name] for name in local.THREADS} == {threads}


def test_a_number_of_threads_that_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert LocalEngine(1).environment(0)['OMP_NUM_THREADS'] == '3'


def test_an_engine_without_slots_is_refused():
    with pytest.raises(ValueError, match='at least one slot, got 0'):
        LocalEngine(0)


def test_stopping_a_run_that_is_over_does_nothing(engine, tmp_path):
    quick = job(tmp_path, '')
    engine.start(quick)
    wait_until(lambda: engine._running[tmp_path].process.poll() is not None)
    engine.stop(quick)
    assert ended(engine)[0].code == 0
    engine.stop(quick)
    assert [file.name for file in tmp_path.iterdir()] == [LOG]

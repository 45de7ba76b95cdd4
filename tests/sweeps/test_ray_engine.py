"""The Ray engine on a cluster of loopback nodes, with processes that do nothing but what the test is about."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from loopback_cluster import LoopbackCluster, needs_loopback, needs_ray
from script_job import ScriptJob, wait_until

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines import ray_cluster, ray_engine
from mmseg_ext.sweeps.engines.process import STOPPED
from mmseg_ext.sweeps.engines.ray_engine import RayEngine
from mmseg_ext.sweeps.engines.ray_nodes import Node
from mmseg_ext.sweeps.jobs import FAILURE, LOG, Ended

pytestmark = [needs_ray, needs_loopback]
OBEDIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit('error: stopped after iteration 7'))
print('ready')
time.sleep(60)
"""
DEAF = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("ready"); time.sleep(60)'
WAIT = (
    'import time; from pathlib import Path; Path("{0}").touch()\nwhile not Path("{1}").exists(): time.sleep(.01)'
)


@pytest.fixture(scope='module')
def cluster():
    made = LoopbackCluster()
    made.nodes = [made.add(), made.add()]
    yield made
    made.close()


@pytest.fixture(scope='module')
def joined(cluster):
    made = RayEngine(0, 2, cluster.address)
    yield made
    made.close()


@pytest.fixture
def engine(joined):
    yield joined
    while joined._running:  # what a test that failed has left behind must not fail the next one
        for running in [*joined._running.values()]:
            joined.stop(running.job)
        joined.ended(1.0)


def job(folder: Path, code: str) -> ScriptJob:
    """One whose result is there already."""
    (folder / 'test').mkdir(parents=True, exist_ok=True)
    (folder / 'test/result.json').touch()
    return ScriptJob(Path('recipe.py'), folder, code=code)


def ended(engine: RayEngine, count: int = 1, seconds: float = 60) -> list[Ended]:
    """The next ``count`` ends."""
    found, until = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += engine.ended(1.0)
    return found


def run(engine: RayEngine, folder: Path, code: str) -> Ended:
    engine.start(job(folder, code))
    return ended(engine)[0]


def lines(folder: Path) -> list[str]:
    """The log of a run."""
    return (folder / LOG).read_text().splitlines() if (folder / LOG).is_file() else []


def said(folder: Path) -> list[str]:
    """What the processes of a run printed behind ``say:``."""
    return [line.removeprefix('say: ') for line in lines(folder) if line.startswith('say: ')]


def starts(folder: Path) -> int:
    return sum(line.startswith('=== ') for line in lines(folder))


def is_ready(folder: Path) -> bool:
    return 'ready' in lines(folder)


def is_alive(number: int) -> bool:
    """Whether a process runs; one that is dead and only waits to be asked does not."""
    state = Path(f'/proc/{number}/stat')
    return state.exists() and state.read_text().rpartition(')')[2].split()[0] != 'Z'


def test_a_run_finds_its_folder_its_threads_and_no_gpu(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MMSEG_EXT_DATA', '/where/data/is')
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    names = ['OMP_NUM_THREADS', 'CUDA_VISIBLE_DEVICES', 'MMSEG_EXT_DATA']
    code = f'import os; print("say:", os.getcwd(), [os.environ[name] for name in {names}])'
    done = run(engine, Path('run'), code)
    assert (done.code, done.reason) == (0, '')
    assert 0 < done.seconds < 60
    assert said(Path('run')) == [f"{tmp_path} ['1', '', '/where/data/is']"]


def test_as_many_runs_go_on_beside_each_other_as_there_is_room_for(engine, tmp_path):
    """Each of two waits for the other one's file, and a third one for a place."""
    assert engine.slots == 2
    for one, other in (('a', 'b'), ('b', 'a')):
        engine.start(job(tmp_path / one, WAIT.format(tmp_path / f'{one}.txt', tmp_path / f'{other}.txt')))
    engine.start(job(tmp_path / 'c', ''))
    assert [each.code for each in ended(engine, 3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ('code', 'number', 'reason'),
    [
        ('import sys; print("error: no such data", file=sys.stderr); sys.exit(3)', 3, 'no such data'),
        ('import os; os.kill(os.getpid(), 9)', -9, 'killed by signal 9 (out of memory?)'),
    ],
)
def test_a_run_that_fails_by_itself_is_not_tried_again(engine, tmp_path, code, number, reason):
    done = run(engine, tmp_path, code)
    assert (done.code, done.reason) == (number, reason)
    assert starts(tmp_path) == 1
    failure = json.loads((tmp_path / FAILURE).read_text())
    assert (failure['reason'], failure['code']) == (reason, number)


def test_a_run_whose_keeper_is_killed_ends_and_is_begun_again(engine, tmp_path):
    """The keeper is the process of Ray that has started it. The first attempt leaves when its input ends."""
    code = (
        f'import os, pathlib\nend = pathlib.Path("{tmp_path}/end")\n'
        'if not end.exists(): print("say:", os.getppid()); os.read(0, 1); end.touch()'
    )
    engine.start(job(tmp_path, code))
    wait_until(lambda: said(tmp_path))
    os.kill(int(said(tmp_path)[0]), signal.SIGKILL)
    assert ended(engine)[0].code == 0
    assert starts(tmp_path) == 2


def test_a_run_that_loses_every_keeper_says_so(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, 'RETRIES', 0)
    done = run(engine, tmp_path, 'import os; os.kill(os.getppid(), 9)')
    assert done.code == 1
    assert done.reason.startswith('no node could finish the run: ')
    assert json.loads((tmp_path / FAILURE).read_text())['reason'] == done.reason


def test_a_run_that_ray_ends_for_its_memory_says_so(engine, tmp_path, monkeypatch):
    ray = ray_cluster.import_ray()

    def get(task: object) -> int:
        raise ray.exceptions.OutOfMemoryError('many words')

    monkeypatch.setattr(ray, 'get', get)
    reason = run(engine, tmp_path, '').reason
    assert reason.startswith('out of memory; lower train_dataloader.batch_size or the number of runs')
    assert reason.endswith('Ray ended the run because its node was short of memory (OutOfMemoryError)')


def test_a_stopped_run_has_time_to_save_and_has_not_failed(engine, tmp_path):
    obedient = job(tmp_path, OBEDIENT)
    engine.start(obedient)
    wait_until(lambda: is_ready(tmp_path))
    engine.stop(obedient)
    done = ended(engine)[0]
    assert (done.code, done.reason) == (1, STOPPED)
    assert 'error: stopped after iteration 7' in lines(tmp_path)
    assert starts(tmp_path) == 1
    assert not (tmp_path / FAILURE).exists()
    engine.stop(obedient)  # it is over, which is no error


def test_asked_twice_a_run_ends_at_once_with_its_loaders(engine, tmp_path):
    stubborn = job(tmp_path, f'import subprocess; print("say:", subprocess.Popen(["sleep", "600"]).pid);{DEAF}')
    engine.start(stubborn)
    wait_until(lambda: is_ready(tmp_path))
    engine.stop(stubborn)
    assert engine.ended(0.5) == []
    engine.stop(stubborn)
    done = ended(engine)[0]
    assert (done.code, done.reason) == (-9, STOPPED)
    wait_until(lambda: not is_alive(int(said(tmp_path)[0])), 20)


def test_a_stopped_run_that_waits_for_a_place_never_begins(engine, tmp_path):
    jobs = [job(tmp_path / name, OBEDIENT) for name in 'abc']
    for each in jobs[:2]:
        engine.start(each)
    wait_until(lambda: is_ready(tmp_path / 'a') and is_ready(tmp_path / 'b'))
    engine.start(jobs[2])
    engine.stop(jobs[2])
    assert [(each.job.folder.name, each.reason) for each in ended(engine)] == [('c', STOPPED)]
    for each in jobs[:2]:
        engine.stop(each)
    assert len(ended(engine, 2)) == 2
    assert not lines(tmp_path / 'c')


def test_waiting_without_runs_takes_its_time(engine):
    start = time.monotonic()
    assert engine.ended(0.3) == []
    assert 0.3 <= time.monotonic() - start < 5


def test_a_result_that_is_not_seen_here_is_not_a_success(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, 'VISIBLE', 0.1)
    hidden = job(tmp_path, '')
    (tmp_path / 'test/result.json').unlink()
    engine.start(hidden)
    done = ended(engine)[0]
    assert done.code == 1
    assert done.reason == 'its result is not seen here; all nodes must share the folder, at one path'


def test_close_ends_what_is_left_but_not_the_cluster_of_somebody_else(engine, cluster, tmp_path):
    other = RayEngine(0, None, cluster.address)
    other.start(job(tmp_path / 'a', f'import os; print("say:", os.getpid());{DEAF}'))
    wait_until(lambda: is_ready(tmp_path / 'a'))
    other.close()
    assert engine.slots == 2
    assert not is_alive(int(said(tmp_path / 'a')[0]))
    assert not (tmp_path / 'a' / FAILURE).exists()
    assert run(engine, tmp_path / 'b', '').code == 0


def test_every_run_sees_a_gpu_of_its_own(engine, cluster, tmp_path, monkeypatch):
    """Ray deals out GPUs by number; that this machine may have none does not matter to it."""
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    with pytest.raises(UsageError, match='no node of the cluster has 0 CPU and 1 GPU, which a run takes'):
        RayEngine(1, None, cluster.address)
    everywhere = RayEngine(0, None, cluster.address)
    rich = cluster.add(4, gpus=2)
    assert everywhere.slots == 2 + 4
    gpus = RayEngine(None, None, cluster.address)
    assert (gpus.slots, RayEngine(1, None, cluster.address).slots) == (2, 1)
    show = 'import os; print("say:", os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]);'
    for one, other in (('a', 'b'), ('b', 'a')):
        gpus.start(job(tmp_path / one, show + WAIT.format(tmp_path / f'{one}.txt', tmp_path / f'{other}.txt')))
    assert [each.code for each in ended(gpus, 2)] == [0, 0]
    assert {*said(tmp_path / 'a'), *said(tmp_path / 'b')} == {'0 2', '1 2'}
    cluster.remove(rich)
    wait_until(lambda: everywhere.slots == 2)


def test_a_node_that_does_not_see_the_folder_is_named(engine, cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blind = cluster.nodes[1].node_ip_address

    def look(file: str) -> bool:
        import ray

        return ray.util.get_node_ip_address() != blind and Path(file).is_file()

    monkeypatch.setattr(ray_cluster, 'sees', look)
    with pytest.raises(UsageError) as caught:
        RayEngine(0, None, cluster.address)
    assert str(caught.value) == (
        f'node {blind}: does not see {tmp_path}; it must be on a file system that all nodes share, at one path'
    )
    assert not list(tmp_path.iterdir())


def test_a_node_that_dies_while_it_is_asked_is_named_only_as_long_as_it_counts(engine, tmp_path, monkeypatch):
    there = ray_cluster.living_nodes()
    gone = Node('01' * 28, '10.0.0.9', {'CPU': 1.0})
    answers = iter([[*there, gone], there, [*there, gone], [*there, gone]])
    monkeypatch.setattr(ray_cluster, 'living_nodes', lambda: next(answers))
    ray_cluster.check_shared(tmp_path)
    with pytest.raises(UsageError, match=r'^node 10\.0\.0\.9: .*; see ray status$'):
        ray_cluster.check_shared(tmp_path)


def test_a_node_that_lacks_the_package_is_named(engine, cluster, monkeypatch):
    def look(file: str) -> bool:
        raise ModuleNotFoundError("No module named 'mmseg_ext'")

    monkeypatch.setattr(ray_cluster, 'sees', look)
    with pytest.raises(UsageError, match=r"node 127\.0\.0\.\d: .*No module named 'mmseg_ext'; install there what"):
        RayEngine(0, None, cluster.address)

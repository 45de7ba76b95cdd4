"""Shards as tasks of Ray: a cluster of this machine, with a model that paints."""

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from fake_studio import planned

from augment.errors import RunError, UsageError
from augment.job import ray_launcher
from augment.job.ray_launcher import launch, shard_command, work

HERE = str(Path(__file__).parent)
ROOT = str(Path(__file__).resolve().parents[3])
needs_ray = pytest.mark.skipif(find_spec('ray') is None, reason='ray is not installed')


def test_the_command_of_a_shard_is_the_same_without_ray():
    words = ['--word', 'peeling', 'rust', '--ray', 'head:6379', '--shards', '4', '--overwrite', '--steps', '4']
    command = shard_command(words, 2, 4)
    assert command[1:] == ['-m', 'augment.p2p_edit', '--word', 'peeling', 'rust', '--steps', '4', '--shard', '2/4']


def test_words_that_begin_like_ray_are_left_alone():
    assert '--rli-alpha' in shard_command(['--ray', '--shards', '2', '--rli-alpha', '0'], 1, 2)


def test_a_task_runs_its_command_in_the_folder_and_keeps_what_it_says(tmp_path):
    code = 'import os, augment; print(os.getcwd()); raise SystemExit(3)'
    log = tmp_path / 'log.txt'
    assert work([sys.executable, '-c', code], str(tmp_path), str(log), ROOT) == 3
    first, *rest = log.read_text().splitlines()
    assert first.startswith('=== ')
    assert rest == [str(tmp_path)]


OBEDIENT = """
import signal, sys, time
def end(*_):
    print('ended in order', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('ready', flush=True)
time.sleep(60)
"""


def test_a_cancelled_task_lets_its_process_end_in_order(tmp_path):
    """Ray cancels by raising KeyboardInterrupt in the task; the process gets SIGTERM and may still write."""
    log = tmp_path / 'log.txt'
    arguments = [sys.executable, '-c', OBEDIENT], '.', str(log), ROOT
    outer = f'from augment.job.ray_launcher import work; work(*{arguments!r})'
    process = subprocess.Popen([sys.executable, '-c', outer], cwd=ROOT, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (log.is_file() and '\nready' in log.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    assert log.read_text().endswith('ended in order\n')


def painting(arguments, index, count):
    """The command of a shard whose model paints; it needs no ``-m``, since it is a few lines."""
    words = ['--model', 'tiny-random', *arguments[: arguments.index('--ray')], '--shard', f'{index}/{count}']
    code = f'import sys; sys.path.insert(0, {HERE!r}); from fake_studio import FakeStudio, run; '
    return [sys.executable, '-c', f'{code}sys.exit(run(FakeStudio(), *{words!r}))']


@needs_ray
def test_all_shards_on_a_cluster_of_this_machine_then_merged(data, monkeypatch, capsys):
    monkeypatch.delenv('RAY_ADDRESS', raising=False)
    monkeypatch.setattr(ray_launcher, 'shard_command', painting)
    words = ['--word', 'peeling', '--ray', '--shards', '2']
    plan = planned(*words, '--model', 'tiny-random')
    answer = signal.getsignal(signal.SIGTERM)
    assert launch(plan, words) == 0
    assert signal.getsignal(signal.SIGTERM) is answer
    out = data.with_name('wta_512_peeling_trial')
    lines = [json.loads(line) for line in (out / 'manifest.jsonl').read_text().splitlines()]
    assert [line['id'] for line in lines] == [f'train_00{index}__peeling' for index in range(3)]
    said = capsys.readouterr().out
    assert 'peeling      3 ok' in said
    assert 'report.html' in said
    assert 'shard 1/2' in (out / '.shards/1-of-2.txt').read_text()


@needs_ray
def test_a_lost_shard_is_named_with_its_log(data, monkeypatch):
    monkeypatch.setattr(ray_launcher, '_connect', lambda *_: None)
    monkeypatch.setattr(ray_launcher, '_all', lambda *_: {1: 3, 2: -1})
    plan = planned('--word', 'peeling', '--ray', '--shards', '2')
    with pytest.raises(
        RunError, match=r'^shard 2/2: exit code -1, see .*\.shards/2-of-2.txt\n .*goes on with what'
    ):
        launch(plan, [])
    planned('--word', 'peeling')  # the same command is not refused because of the logs


@needs_ray
def test_no_cluster_at_an_address(data, monkeypatch):
    plan = planned('--word', 'peeling', '--ray', 'nowhere', '--shards', '2')
    with pytest.raises(UsageError, match=r'--ray nowhere: expected HOST:PORT'):
        launch(plan, [])
    plan = planned('--word', 'peeling', '--ray', '127.0.0.1:9', '--shards', '2')
    with pytest.raises(UsageError, match=r'--ray 127.0.0.1:9: nothing answers'):
        launch(plan, [])


def test_without_ray(data, monkeypatch):
    monkeypatch.setattr(ray_launcher, 'find_spec', lambda _: None)
    with pytest.raises(UsageError, match=r'ray is not installed; pip install .*cluster'):
        launch(planned('--word', 'peeling', '--ray', '--shards', '2'), [])

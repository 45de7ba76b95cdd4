"""Finding a Ray cluster, or starting one, and what a command line is told when there is none."""

import os
import re
import socket
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from loopback_cluster import needs_loopback, needs_ray
from script_job import wait_until

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines import ray_cluster, ray_engine
from mmseg_ext.sweeps.engines.choose import add_engine_options, make_engine
from mmseg_ext.sweeps.engines.ray_engine import RayEngine

OWN = """
from pathlib import Path
from script_job import ScriptJob
from mmseg_ext.sweeps.engines.ray_engine import RayEngine
engine = RayEngine(0, 1)
engine.start(ScriptJob(Path('recipe.py'), Path('run'), code={code!r}))
while not (ended := engine.ended(1.0)):
    pass
engine.close()
print(ended[0].code, len(engine.ended(0)))
"""
# Says which raylet it belongs to, and kills the process of Ray that has started it, the first time.
CODE = """
import os; from pathlib import Path
print('raylet', os.environ['RAY_RAYLET_PID'], flush=True)
if not Path('end').exists():
    Path('end').touch(); os.kill(os.getppid(), 9); os.read(0, 1)
"""


@needs_ray
def test_a_cluster_of_ones_own_is_quiet_and_gone_afterwards(tmp_path):
    (tmp_path / 'run/test').mkdir(parents=True)
    (tmp_path / 'run/test/result.json').touch()
    environment = {name: value for name, value in os.environ.items() if name != 'RAY_ADDRESS'}
    done = subprocess.run(
        [sys.executable, '-c', OWN.format(code=CODE)],
        cwd=tmp_path,
        env=environment | {'PYTHONPATH': str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.stdout == '0 0\n', done.stderr
    assert 'raylet' not in done.stderr
    one, two = re.findall(r'^raylet (\d+)$', (tmp_path / 'run/log.txt').read_text(), re.MULTILINE)
    assert one == two
    wait_until(lambda: not Path(f'/proc/{one}/exe').exists())


@needs_ray
@pytest.mark.parametrize('address', ['there', 'ray://there:10001', ':6379', 'there:'])
def test_an_address_that_is_none(address):
    with pytest.raises(UsageError, match=re.escape(f'--address {address}: expected HOST:PORT')):
        ray_cluster._join(address)


@needs_ray
@needs_loopback
def test_an_address_where_nothing_answers_is_told_soon():
    with socket.socket() as unused:
        unused.bind(('127.0.0.2', 0))
        address = '{}:{}'.format(*unused.getsockname())
        with pytest.raises(UsageError, match=f'{address}: nothing answers .*; start the cluster there with'):
            ray_cluster._join(address)


@needs_ray
@pytest.mark.parametrize(
    ('cause', 'said'),
    [
        (
            'RPC error: InvalidAuthToken: Authentication token is missing',
            'the cluster wants its token: copy ~/.ray/',
        ),
        ('Ray 2.40 there, 2.60 here', 'Ray 2.40 there, 2.60 here'),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_told_in_one_line(monkeypatch, cause, said):
    def init(*_: object, **options: object) -> None:
        raise ConnectionError('Failed to connect') from RuntimeError(cause)

    monkeypatch.setattr(ray_cluster.import_ray(), 'init', init)
    with pytest.raises(UsageError, match=f'^--address auto: {re.escape(said)}'):
        ray_cluster._join('auto')


@needs_ray
@pytest.mark.parametrize(
    ('before', 'found', 'after'),
    [({}, True, 'token'), ({}, False, None), ({'RAY_AUTH_MODE': 'disabled'}, True, 'disabled')],
)
def test_a_token_is_shown_where_there_is_one(monkeypatch, tmp_path, before, found, after):
    monkeypatch.setattr(os, 'environ', dict(before))
    monkeypatch.setattr(ray_cluster, 'TOKEN', tmp_path / 'token')
    if found:
        (tmp_path / 'token').touch()
    ray_cluster.import_ray()
    assert os.environ.get('RAY_AUTH_MODE') == after
    assert os.environ['RAY_USAGE_STATS_ENABLED'] == '0'


def test_without_ray_the_cure_is_told(monkeypatch):
    monkeypatch.setattr(ray_cluster, 'find_spec', lambda name: None)
    with pytest.raises(UsageError, match=r"ray not installed; pip install .* -e '\.\[cluster\]'"):
        RayEngine(0, None, None)


@pytest.mark.parametrize(
    ('words', 'arguments'), [((), (None, 5, None)), (('--gpus', '0', '--jobs', '2'), (0, 2, None))]
)
def test_a_command_line_asks_for_as_many_runs_at_once_as_there_are(monkeypatch, words, arguments):
    parser = ArgumentParser()
    add_engine_options(parser)
    monkeypatch.setattr(ray_engine, 'RayEngine', lambda *given: given)
    assert make_engine(parser.parse_args(['--engine', 'ray', *words]), 5) == arguments

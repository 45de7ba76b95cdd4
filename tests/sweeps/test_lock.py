"""A run belongs to one process at a time, and to nobody once that process is gone."""

import subprocess
import sys
import time

import pytest
from script_job import wait_until

from mmseg_ext.sweeps.engines.lock import BusyError, exclusive, is_busy

HOLD = """
import sys, time
from pathlib import Path
from mmseg_ext.sweeps.engines.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print('held', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'held\n'
    yield process
    process.kill()
    process.communicate()


def test_a_run_is_free_before_during_and_after(tmp_path):
    assert not is_busy(tmp_path)
    with exclusive(tmp_path):
        assert is_busy(tmp_path)
    assert not is_busy(tmp_path)
    assert not is_busy(tmp_path / 'not there')


def test_another_process_is_told_apart_and_waited_for(tmp_path, holder):
    assert is_busy(tmp_path)
    start = time.monotonic()
    with pytest.raises(BusyError, match=f'{tmp_path}: another process works') as caught, exclusive(tmp_path, 0.5):
        raise AssertionError('two in one run')
    assert caught.value.exit_code == 75
    assert time.monotonic() - start >= 0.5


def test_the_lock_of_a_killed_process_is_given_back(tmp_path, holder):
    holder.kill()
    with exclusive(tmp_path, 10):
        assert is_busy(tmp_path)
    wait_until(lambda: not is_busy(tmp_path))


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    def unsupported(*_: object) -> None:
        raise OSError(38, 'Function not implemented')

    monkeypatch.setattr('mmseg_ext.sweeps.engines.lock.fcntl.flock', unsupported)
    with exclusive(tmp_path, 0):
        assert not is_busy(tmp_path)

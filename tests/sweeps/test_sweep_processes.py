"""A sweep by its command line, with trainings of seconds: one is killed midway, and all is started again."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from script_job import wait_until
from tiny_project import make_project

from mmseg_ext.sweeps.jobs import FAILURE, LOG, WORKER, Job
from mmseg_ext.sweeps.progress.pace import share_done

SWEEP = Path(__file__).resolve().parents[2] / 'tools/sweep.py'
PLAN = """
title: Short and long
columns: [Model, Length]
marks: best
recipes: {Tiny: tiny/tiny.py}
groups:
  short: {}
  long: {cfg_options: {train_cfg.max_iters: 40, train_cfg.val_interval: 40}}
"""
SHORT, LONG = 'short', 'long'


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    made = make_project(tmp_path_factory.mktemp('project'))
    (made.root / 'configs/sweeps').mkdir(exist_ok=True)
    (made.root / 'configs/sweeps/two.yaml').write_text(PLAN)
    return made


def start(project) -> subprocess.Popen:
    command = [sys.executable, str(SWEEP), '--project', 'P', '--sweep', 'configs/sweeps/two.yaml', '--gpus', '0']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    return subprocess.Popen(
        [*command, '--jobs', '2'], cwd=project.root, env=environment, stdout=subprocess.PIPE, text=True
    )


def folders(project) -> dict[str, Path]:
    rows = json.loads((project.root / 'work_dirs/P/sweeps/two.json').read_text())['rows']
    return {row['group']: project.root / 'work_dirs/P' / row['runs'][0] for row in rows}


def worker_of(folder: Path) -> int:
    """The process that works in ``folder``."""
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):  # it may end meanwhile
            words = entry.read_text().split('\0')
            if WORKER in words and str(folder).endswith(words[words.index('--work-dir') + 1]):
                return int(entry.parent.name)
    raise AssertionError(f'no process in {folder}')


@pytest.mark.slow
def test_a_sweep_outlives_its_runs_and_does_only_what_is_left(project):
    first = start(project)
    saved = project.root / 'work_dirs/P/sweeps/two.json'
    wait_until(saved.is_file)
    runs = folders(project)
    long = Job(project.recipe, runs[LONG])
    wait_until(lambda: (share_done(long) or 0) > 0.05)
    os.kill(worker_of(runs[LONG]), signal.SIGKILL)
    out = first.communicate()[0]
    assert first.returncode == 1
    assert re.search(r'finished  tiny/tiny/seed0: mIoU_fg ', out)
    assert re.search(r'failed    tiny/tiny\+.*/seed0: killed by signal 9 \(out of memory\?\)\n', out)
    assert json.loads((runs[LONG] / FAILURE).read_text())['code'] == -9
    before = (runs[SHORT] / 'test/result.json').stat().st_mtime_ns

    second = start(project)
    out = second.communicate()[0]
    assert second.returncode == 0
    assert re.match(r'Short and long: 1 finished, 1 failed; ', out)
    assert (runs[SHORT] / 'test/result.json').stat().st_mtime_ns == before
    result = json.loads((runs[LONG] / 'test/result.json').read_text())
    assert result['resumed'] is True
    assert not (runs[LONG] / FAILURE).exists()
    assert len(re.findall('^=== ', (runs[LONG] / LOG).read_text(), re.MULTILINE)) == 2
    assert (project.root / 'work_dirs/P/report.html').is_file()

"""The process of one run: it trains and judges, goes on where it was cut, and its exit code says what is wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from script_job import wait_until
from tiny_project import Project, make_project

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.errors import run_command_line
from mmseg_ext.sweeps.engines import worker
from mmseg_ext.sweeps.engines.lock import exclusive, is_busy
from mmseg_ext.sweeps.jobs import LOG, WORKER, Job
from mmseg_ext.sweeps.progress.pace import share_done

STARTER = """
import sys, time
from pathlib import Path
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.engines.local import start_process
options = {'train_cfg.max_iters': 60, 'train_cfg.val_interval': 60}
process = start_process(Job(Path(sys.argv[1]), Path(sys.argv[2]), options=options, seed=1), {})
print('started', flush=True)
time.sleep(100)
"""
LONG = ('--cfg-options', 'train_cfg.max_iters=60', 'train_cfg.val_interval=60', '--seed', '1')


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def project(made, monkeypatch) -> Project:
    monkeypatch.chdir(made.root)
    monkeypatch.setattr(worker, 'end_with_starter', lambda: None)  # the standard input of a test may be anything
    return made


@pytest.fixture(scope='module')
def finished(made, tmp_path_factory) -> Path:
    """A finished run. Tests only read it."""
    folder = tmp_path_factory.mktemp('finished')
    command = Job(made.recipe, folder, seed=3).command()
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return folder


def work(monkeypatch, *arguments: object) -> int:
    """The exit code of a worker in this process."""
    monkeypatch.setattr(sys, 'argv', ['worker', *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        run_command_line(worker.main)
    return end.value.code


def result(folder: Path, split: str) -> dict:
    return json.loads((folder / split / 'result.json').read_text())


def test_a_run_is_trained_and_judged_and_its_log_ends_in_the_result(finished):
    trained, tested = result(finished, 'train'), result(finished, 'test')
    assert (trained['split'], tested['split']) == ('val', 'test')
    assert trained['seed'] == tested['seed'] == 3
    assert trained['config_hash'] == tested['config_hash']
    assert tested['checkpoint'].endswith(f'train/ckpt/best_mIoU_fg_iter_{tested["iteration"]}.pth')
    assert tested['resumed'] is False
    assert tested['train_seconds'] == trained['train_seconds'] > 0
    *_, last = (finished / 'test/test_log.txt').read_text().split('\n\n')
    assert last.split() == [
        part
        for name in ('result.json', 'per_image.csv', 'worst.png')
        for part in (name, f'{finished}/test/{name}')
    ]
    assert f'{tested["scores"]["mIoU_fg"]:.2f}' in (finished / 'test/test_log.txt').read_text()
    assert not is_busy(finished)


def test_what_is_trained_is_only_judged(project, finished, tmp_path, monkeypatch, capsys):
    shutil.copytree(finished, tmp_path / 'run')
    (tmp_path / 'run/test/result.json').unlink()
    assert work(monkeypatch, project.recipe, '--work-dir', tmp_path / 'run', '--seed', 3) == 0
    assert 'nothing is left to train' in capsys.readouterr().out
    assert result(tmp_path / 'run', 'train') == result(finished, 'train')
    assert result(tmp_path / 'run', 'test')['scores'] == result(finished, 'test')['scores']


def test_what_is_finished_is_left_as_it_is(project, finished, monkeypatch, capsys):
    """As by the process that this one has waited for."""
    before = {
        file: file.stat().st_mtime_ns for file in finished.rglob('*') if file.is_file() and file.name != '.lock'
    }
    assert work(monkeypatch, project.recipe, '--work-dir', finished, '--seed', 3) == 0
    assert capsys.readouterr().out == f'{finished}: this run is finished, nothing is left to do\n'
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_a_run_that_is_not_to_be_tested(project, tmp_path, monkeypatch, capsys):
    assert work(monkeypatch, project.recipe, '--work-dir', tmp_path / 'run', '--no-test') == 0
    assert 'of the val split' in capsys.readouterr().out
    assert result(tmp_path / 'run', 'train')['split'] == 'val'
    assert not (tmp_path / 'run/test').exists()


@pytest.mark.parametrize(
    ('code', 'said', 'arguments'),
    [
        (2, 'did you mean dice_ce', ['--swap', 'losses=dice_cee']),
        (2, 'did you mean train_cfg', ['--cfg-options', 'train_cg.max_iters=2']),
        (2, 'invalid int value', ['--seed', 'x']),
        (3, 'no such folder', ['--cfg-options', 'test_dataloader.dataset.data_root=nowhere']),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(project, tmp_path, monkeypatch, capsys, code, said, arguments):
    assert work(monkeypatch, project.recipe, '--work-dir', tmp_path / 'run', *arguments) == code
    error = capsys.readouterr().err
    assert error.count('error: ') == 1
    assert said in error
    assert not (tmp_path / 'run/train').exists()


def test_a_worker_needs_a_folder(project, monkeypatch, capsys):
    assert work(monkeypatch, project.recipe) == 2
    assert '--work-dir is needed' in capsys.readouterr().err


def test_weights_of_other_data_are_not_judged(project, finished, tmp_path, monkeypatch, capsys):
    """Neither may the result of old weights be taken for one of the new masks."""
    shutil.copytree(finished, tmp_path / 'run')
    mask = project.data / 'ann_dir/train/train_001.png'
    before = mask.read_bytes()
    mask.write_bytes((project.data / 'ann_dir/train/train_002.png').read_bytes())
    try:
        assert work(monkeypatch, project.recipe, '--work-dir', tmp_path / 'run', '--seed', 3) == 3
    finally:
        mask.write_bytes(before)
    assert f'{tmp_path}/run/train: the training images or masks have changed' in capsys.readouterr().err
    assert result(tmp_path / 'run', 'test') == result(finished, 'test')


def test_another_recipe_is_told_as_such(project, finished, tmp_path, monkeypatch, capsys):
    """Even one that trains on other data: not the data has changed then, but what is asked for."""
    shutil.copytree(finished, tmp_path / 'run')
    shutil.copytree(project.data, tmp_path / 'data')
    shutil.copy(tmp_path / 'data/ann_dir/train/train_002.png', tmp_path / 'data/ann_dir/train/train_001.png')
    options = ('--cfg-options', f'train_dataloader.dataset.data_root={tmp_path}/data', '--seed', 3)
    assert work(monkeypatch, project.recipe, '--work-dir', tmp_path / 'run', *options) == 2
    said = 'was begun with another config: train_dataloader.dataset.data_root differs'
    assert said in capsys.readouterr().err


def test_a_run_that_another_process_works_on_is_left_alone(project, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(worker, 'exclusive', lambda folder: exclusive(folder, 0))
    with exclusive(tmp_path):
        assert work(monkeypatch, project.recipe, '--work-dir', tmp_path) == 75
    assert 'another process works on this run' in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ['.lock']


def test_a_run_saves_when_its_starter_is_killed_and_goes_on_when_started_again(project, tmp_path, monkeypatch):
    command = [sys.executable, '-c', STARTER, str(project.recipe), str(tmp_path)]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == 'started\n'
    job = Job(project.recipe, tmp_path)
    wait_until(lambda: (share_done(job) or 0) >= 3 / 60)
    assert is_busy(tmp_path)
    starter.kill()
    starter.communicate()
    wait_until(lambda: not is_busy(tmp_path))
    stopped = re.search(r'error: stopped after iteration (\d+); everything is saved', (tmp_path / LOG).read_text())
    iteration = int(stopped[1])
    assert 3 <= iteration < 60
    assert read_checkpoint(tmp_path / f'train/ckpt/iter_{iteration}.pth')['meta']['iter'] == iteration
    assert not (tmp_path / 'test').exists()

    assert work(monkeypatch, project.recipe, '--work-dir', tmp_path, *LONG) == 0
    assert result(tmp_path, 'train')['resumed'] is result(tmp_path, 'test')['resumed'] is True
    assert read_checkpoint(tmp_path / 'train/ckpt/iter_60.pth')['meta']['iter'] == 60


@pytest.mark.parametrize(('stdin', 'ends'), [(subprocess.PIPE, True), (subprocess.DEVNULL, False)])
def test_only_a_pipe_can_say_that_the_starter_is_gone(stdin, ends):
    code = f'import time, {WORKER} as w\nw.end_with_starter(); print(1, flush=True); time.sleep(1)'
    process = subprocess.Popen([sys.executable, '-c', code], stdin=stdin, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.communicate()  # closes the pipe
    assert process.returncode == (-signal.SIGTERM if ends else 0)

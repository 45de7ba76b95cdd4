"""tools/test.py as its user meets it: where results go, what is written, and what it refuses."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from synthetic import make_dataset
from tiny_project import make_project
from tool_runner import run_tool

from mmseg_ext.engine.training import train

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A project and the folder of a finished run in it."""
    project = make_project(tmp_path_factory.mktemp('project'))
    train(project.config(), project.root / 'run')
    return project


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    return made


def run(*arguments) -> int:
    return run_tool('test', *arguments)


def result(folder: Path) -> dict:
    return json.loads((folder / 'result.json').read_text())


def test_a_run_folder_is_judged_with_its_best_weights(project, capsys):
    assert run(project.recipe, 'run') == 0
    out = capsys.readouterr().out
    test, training = result(project.root / 'run/test'), result(project.root / 'run/train')
    for key in ('recipe', 'config_hash', 'data_hash', 'seed', 'iteration'):
        assert test[key] == training[key]
    assert test['split'] == 'test'
    assert test['split_hash'] != training['split_hash']
    assert 'ckpt/best_mIoU_fg_iter_' in test['checkpoint']
    log = (project.root / 'run/test/test_log.txt').read_text()
    assert out.endswith(log)
    assert 'run/test/worst.png' in log
    assert cv2.imread('run/test/worst.png').std() > 5
    assert (project.root / 'run/test/config.py').exists()


def test_masks_and_overlays_of_every_image(project, tmp_path):
    shutil.copytree(project.data, tmp_path / 'mine')
    for file in (tmp_path / 'mine').glob('*/test/*_001.png'):
        file.rename(file.with_name('щербина été 裂纹.png'))
    arguments = ['--out', tmp_path / 'masks', '--show-dir', tmp_path / 'show', '--work-dir', tmp_path / 'work']
    options = ['--cfg-options', f'test_dataloader.dataset.data_root={tmp_path}/mine']
    assert run(project.recipe, 'run/train/ckpt/iter_6.pth', *arguments, *options) == 0
    names = {'test_000.png', 'test_002.png', 'щербина été 裂纹.png'}
    for folder in ('masks', 'show'):
        assert {file.name for file in (tmp_path / folder).iterdir()} == names
    (folder,) = (tmp_path / 'work').iterdir()
    assert folder.name.startswith('test-tiny+1options-')  # another config than the run's
    with (folder / 'per_image.csv').open(encoding='utf-8') as file:
        rows = {Path(row['image']).name: row for row in csv.DictReader(file)}
    assert rows.keys() == names
    for name, row in rows.items():
        mask = cv2.imread(str(tmp_path / 'masks' / name), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (64, 80)
        predicted = [int(row[f'predicted.{label}']) for label in ('background', 'blob1', 'blob2')]
        assert np.bincount(mask.ravel(), minlength=3).tolist() == predicted


def test_another_data_set_does_not_overwrite_the_result_of_the_run(project):
    assert run(project.recipe, 'run') == 0
    before = (project.root / 'run/test/result.json').read_bytes()
    data = make_dataset(project.root / 'data/other', counts=dict(train=1, val=1, test=1), seed=5)
    base = project.root / 'configs/_base_/datasets/mine.py'
    base.with_name('other.py').write_text(base.read_text().replace(str(project.data), str(data)))
    assert run(project.recipe, 'run', '--swap', 'datasets=other') == 0
    assert (project.root / 'run/test/result.json').read_bytes() == before
    other = result(project.root / 'run/test-tiny-other')
    assert other['images'] == 1
    assert other['config_hash'] != result(project.root / 'run/test')['config_hash']


def test_the_validation_split_has_a_folder_of_its_own(project):
    assert run(project.root / 'run/train/config.py', 'run', '--split', 'val') == 0
    val, training = result(project.root / 'run/val'), result(project.root / 'run/train')
    assert val['scores'] == training['scores']
    assert (project.root / 'run/val/val_log.txt').exists()


def test_wrong_checkpoints_are_one_line(project, capsys, tmp_path):
    weights = torch.load('run/train/ckpt/iter_6.pth', weights_only=False)['state_dict']
    (tmp_path / 'text.pth').write_text('hello')
    (tmp_path / 'cut.pth').write_bytes(Path('run/train/ckpt/iter_6.pth').read_bytes()[:5000])
    torch.save({'a': torch.zeros(1)}, tmp_path / 'foreign.pth')
    more = {k: v.repeat_interleave(2, 0) if 'conv_seg' in k else v for k, v in weights.items()}
    torch.save({'state_dict': more}, tmp_path / 'six.pth')
    torch.save({'state_dict': weights, 'meta': Path('x')}, tmp_path / 'code.pth')
    (tmp_path / 'empty').mkdir()
    for name, said in (
        ('text.pth', 'not a checkpoint, or a damaged one'),
        ('cut.pth', 'not a checkpoint, or a damaged one'),
        ('foreign.pth', 'no weight of it has a name that this model knows'),
        ('six.pth', 'it predicts 6 classes, this config 3'),
        ('code.pth', 'MMSEG_EXT_TRUST_CHECKPOINT=1'),
        ('none.pth', 'no such checkpoint'),
        ('empty', 'no checkpoint there; train first'),
    ):
        assert run(project.recipe, tmp_path / name, '--work-dir', tmp_path / 'work') == 2
        err = capsys.readouterr().err
        assert said in err
        assert len(err.splitlines()) == 1


def test_bad_test_data_is_one_line(project, capsys, tmp_path):
    shutil.copytree(project.data, tmp_path / 'mine')
    (tmp_path / 'mine/ann_dir/test/test_001.png').unlink()
    options = ['--cfg-options', f'test_dataloader.dataset.data_root={tmp_path}/mine']
    assert run(project.recipe, 'run', *options) == 3
    err = capsys.readouterr().err
    assert 'test_001.png' in err
    assert len(err.splitlines()) == 1


def test_two_processes_under_torchrun_equal_one(project, tmp_path):
    assert run(project.recipe, 'run', '--work-dir', tmp_path / 'one') == 0
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    arguments = [
        ROOT / 'tools/test.py',
        project.recipe,
        'run',
        '--launcher',
        'pytorch',
        '--work-dir',
        tmp_path / 'two',
    ]
    environment = {**os.environ, 'GLOO_SOCKET_IFNAME': 'lo', 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert 'arn' not in done.stderr  # no warnings
    assert done.stdout.count('FalseAlarms') == done.stdout.count('Judging [1/2]') == 1
    one, two = result(tmp_path / 'one/test'), result(tmp_path / 'two/test')
    assert one['scores'] == two['scores']
    assert {key for key in one if one[key] != two[key]} <= {
        'finished',
        'seconds',
        'images_per_second',
        'peak_memory_gib',
        'commit',
    }
    rows = [(tmp_path / name / 'test/per_image.csv').read_bytes() for name in ('one', 'two')]
    assert rows[0] == rows[1]
    bad = subprocess.run(
        [*command, *map(str, arguments), '--cfg-options', 'optm.lr=1'],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert bad.returncode != 0
    assert bad.stderr.count('error: --cfg-options optm.lr') == 1  # the main process speaks for both

"""tools/train.py as its user meets it: exit codes, one line for each mistake, and what a run prints."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_project import LEAF, SWAPS, make_project
from tool_runner import run_tool

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 150  # characters of a line in a terminal


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    return made


def run(*arguments, tool: str = 'train') -> int:
    """The exit code of a tool, run in this process."""
    return run_tool(tool, *arguments)


def mistake(capsys, code: int, *arguments, tool: str = 'train') -> str:
    """The one line that a mistake is answered with."""
    assert run(*arguments, tool=tool) == code
    said = capsys.readouterr()
    assert 'Traceback' not in said.err
    assert said.err.count('error: ') == 1
    return said.err


def test_a_run_from_a_swapped_leaf(project, capfd):
    assert run(f'configs/{LEAF}', '--swap', *SWAPS[:2], '--swap', *SWAPS[2:]) == 0
    folder = project.root / 'work_dirs/default/exp/fast_scnn/fast_scnn_dice_ce_1xb2-6_mine-64x64/train'
    assert json.loads((folder / 'result.json').read_text())['recipe'] == folder.parent.name
    out, err = capfd.readouterr()
    assert err == ''
    assert (folder / 'train_log.txt').read_text() == out[out.index('fast_scnn_dice_ce_1xb2') :]
    lines = out.splitlines()
    assert max(map(len, lines)) < LIMIT + len(str(folder))
    assert [re.search(r'\[(\d)/6\].* eta: .* loss: ', line)[1] for line in lines if '(train)' in line] == list(
        '123456'
    )
    assert sum('mIoU_fg' in line for line in lines) == 3  # two validations and the result
    for noise in ('OneDL', 'deprecated', 'Exp name', 'init', 'default_scope', 'Warning', 'WARNING', 'Iter(test)'):
        assert noise not in out
    assert all(
        str(folder.relative_to(project.root) / name) in out for name in ('result.json', 'worst.png', 'curves.png')
    )
    assert run(f'configs/{LEAF}', '--swap', *SWAPS, '--resume') == 0
    assert 'this run is finished' in capfd.readouterr().out


def test_a_dry_run_checks_and_leaves_nothing(project, capsys):
    assert run(project.recipe, '--dry-run', '--seed', '3', '--cfg-options', 'train_cfg.max_iters=4') == 0
    out = capsys.readouterr().out
    assert 'max_iters=4' in out
    assert 'work_dirs/default/exp/tiny/tiny+train_cfg.max_iters=4/seed3' in out.splitlines()[-1]
    assert not (project.root / 'work_dirs/default/exp/tiny').exists()


def test_a_merged_config_continues_its_own_run(project, tmp_path, capsys):
    options = ['--cfg-options', 'train_cfg.max_iters=2', '--work-dir', tmp_path / 'run']
    assert run(project.recipe, *options) == 0
    capsys.readouterr()
    assert run(tmp_path / 'run/train/config.py', '--resume') == 0
    assert 'this run is finished' in capsys.readouterr().out
    said = mistake(capsys, 2, tmp_path / 'run/train/config.py')
    assert 'already holds iter_2.pth' in said


def test_usage_mistakes_are_one_line(project, capsys, tmp_path):
    (tmp_path / 'file').write_text('')
    recipe, options = project.recipe, '--cfg-options'
    (recipe.with_name('typo.py')).write_text(recipe.read_text().replace('_base_.crop_size', '_base_.crop_sise'))
    for said, *arguments in (
        ('did you mean', 'configs/tiny/tinny.py'),
        ('typo.py: ', recipe.with_name('typo.py')),
        ('it lacks train_dataloader', 'configs/_base_/models/fast_scnn.py'),
        ('did you mean optim_wrapper', recipe, options, 'optim_wraper.x=1'),
        ('expected KEY=VALUE', recipe, options, 'nonsense'),
        ('expected FOLDER=NAME', recipe, '--swap', 'datasets'),
        ('is a file', recipe, '--work-dir', tmp_path / 'file/run'),
        ('--amp: mixed precision needs a GPU', recipe, '--amp'),
        ('invalid int value', recipe, '--seed', 'x'),
        ('start the command with torchrun', recipe, '--launcher', 'pytorch'),
    ):
        assert said in mistake(capsys, 2, *arguments), arguments
    assert not (project.root / 'work_dirs/default/exp/tiny').exists()


def test_config_and_data_mistakes_come_together(project, capsys, tmp_path):
    shutil.copytree(project.data, tmp_path / 'mine')
    (tmp_path / 'mine/ann_dir/train/train_001.png').unlink()
    root = f'train_dataloader.dataset.data_root={tmp_path}/mine'
    said = mistake(capsys, 3, project.recipe, '--swap', 'losses=nothing', '--cfg-options', root, 'optm.lr=1')
    assert len(said.splitlines()) == 3
    assert all(word in said for word in ('losses=nothing', 'optm.lr', 'train_001.png'))


def test_what_only_a_worker_meets_is_one_line(project, capsys, tmp_path, monkeypatch):
    """An image that was sound when the run was checked and is not when a worker process loads it."""
    shutil.copytree(project.data, tmp_path / 'mine')
    monkeypatch.setattr('mmseg_ext.engine.cli.check_run', lambda *_, **__: None)
    for file in (tmp_path / 'mine/img_dir/train').iterdir():
        file.write_bytes(file.read_bytes()[:99])
    root = f'train_dataloader.dataset.data_root={tmp_path}/mine'
    for workers in (0, 1):
        options = ('--cfg-options', root, f'train_dataloader.num_workers={workers}')
        said = mistake(capsys, 3, project.recipe, *options, '--work-dir', tmp_path / str(workers))
        assert len(said.splitlines()) == 1
        assert '/img_dir/train/train_00' in said


def test_a_wide_mask_is_told_before_training(project, capsys, tmp_path):
    shutil.copytree(project.data, tmp_path / 'mine')
    Image.fromarray(np.full((64, 80), 255, np.uint8)).resize((90, 64)).save(
        tmp_path / 'mine/ann_dir/val/val_001.png'
    )
    said = mistake(capsys, 3, project.recipe, '--cfg-options', f'val_dataloader.dataset.data_root={tmp_path}/mine')
    assert 'val_001.png' in said


def test_several_gpus_where_there_are_none(project):
    command = ['bash', str(ROOT / 'bash/dist_train.sh'), str(project.recipe)]
    for arguments, said in (([], 'usage: '), (['99'], '99 GPUs asked for'), (['x'], 'x GPUs asked for')):
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            env={'PYTHON': sys.executable, 'PATH': '/bin:/usr/bin'},
        )
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1

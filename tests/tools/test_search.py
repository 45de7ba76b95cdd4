"""tools/search.py as its user meets it; the trials are trained for real, six iterations each."""

import argparse
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from script_job import wait_until
from search_project import LR, SPACE
from tiny_project import make_project
from tool_runner import ROOT, run_tool

from mmseg_ext.arguments import add_recipe_options
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.sweeps.search.fitting import check_space
from mmseg_ext.sweeps.search.setting import Setting
from mmseg_ext.sweeps.search.space_file import read_space

SPACES = sorted((ROOT / 'configs/sweeps').glob('space_*.yaml'))


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp('project'))
    (project.root / 'space_tiny.yaml').write_text(SPACE, encoding='utf-8')
    return project


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    shutil.rmtree(made.root / 'work_dirs', ignore_errors=True)
    return made


def search(*more: object) -> int:
    return run_tool('search', 'configs/tiny/tiny.py', '--space', 'space_tiny.yaml', '--gpus', '0', *more)


def mistake(capsys, *more: object) -> str:
    """The one line that a mistake is answered with."""
    assert search(*more) == 2
    said = capsys.readouterr().err
    assert said.count('error: ') == 1
    return said


@pytest.mark.parametrize('file', SPACES, ids=lambda file: file.stem)
def test_the_spaces_fit_the_recipes_of_their_headers(file):
    lines = file.read_text(encoding='utf-8').replace('\\\n#', '').splitlines()
    commands = [shlex.split(line.lstrip('# '))[2:] for line in lines if 'tools/search.py' in line]
    assert commands
    for recipe, *options in commands:
        parser = argparse.ArgumentParser()
        parser.add_argument('--space')
        add_recipe_options(parser)
        said = parser.parse_known_args(options)[0]
        assert ROOT / said.space == file
        check_space(read_space(file), Setting(ROOT / recipe, tuple(said.swap), said.cfg_options))


def test_there_are_spaces():
    assert [file.stem for file in SPACES] == ['space_indoor', 'space_losses', 'space_optimizer']


def test_a_search_trains_and_leaves_a_recipe(project, capsys):
    assert search('--trials', '3', '--jobs', '2', '--project', 'P', '--study', 'S') == 0
    folder, out = Path('work_dirs/P/search/S'), capsys.readouterr().out
    assert str(folder / 'report.html') in out
    results = [json.loads((folder / f'trial{n}/train/result.json').read_text()) for n in range(3)]
    assert [result['split'] for result in results] == ['val'] * 3
    assert not list(folder.glob('trial*/test'))
    best = int(re.search(r'best: trial (\d)', out)[1])
    assert results[best]['scores']['mIoU_fg'] == max(result['scores']['mIoU_fg'] for result in results)
    assert config_hash(load_config(folder / 'best.py')) == results[best]['config_hash']
    assert yaml.safe_load((folder / 'confirm.yaml').read_text())['seeds'] == [1, 2, 3]
    assert run_tool('train', folder / 'best.py', '--dry-run') == 0
    assert 'work_dirs/default/exp/S/best' in capsys.readouterr().out


def test_trials_that_cannot_be_trained_are_told_and_the_search_fails(project, capsys):
    Path('space_bad.yaml').write_text('parameters: {load_from: {choice: [no_such.pth]}}', encoding='utf-8')
    command = ('--trials', '1', '--gpus', '0', '--study', 'bad')
    assert run_tool('search', 'configs/tiny/tiny.py', '--space', 'space_bad.yaml', *command) == 1
    said = capsys.readouterr()
    assert 'no_such.pth: no such checkpoint' in said.out
    assert 'all 1 trials failed' in said.err
    assert Path('work_dirs/default/search/bad/report.html').exists()


def test_a_search_that_is_killed_goes_on_from_the_last_checkpoint(project, capsys):
    folder = project.root / 'work_dirs/default/search/killed'
    options = ['--study', 'killed', '--trials', '1', '--jobs', '1']
    options += ['--cfg-options', 'train_cfg.max_iters=100', 'train_cfg.val_interval=100']
    command = [sys.executable, ROOT / 'tools/search.py', 'configs/tiny/tiny.py', '--space', 'space_tiny.yaml']
    process = subprocess.Popen([*command, '--gpus', '0', *options], stdout=subprocess.DEVNULL)
    wait_until(lambda: list(folder.glob('trial0/train/ckpt/iter_*.pth')), seconds=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / 'trial0/train/result.json').exists()
    assert search(*options) == 0
    assert [path.name for path in sorted(folder.glob('trial*'))] == ['trial0']
    result = json.loads((folder / 'trial0/train/result.json').read_text())
    assert result['resumed'] is True
    assert '1/1 finished trial 0' in capsys.readouterr().out


def test_mistakes_are_one_line(project, capsys):
    for said, *more in (
        ('--trials', '--trials', '0'),
        ('expected METRIC, METRIC:max or METRIC:min', '--trials', '1', '--objective', 'mIoU:up'),
        ('a metric stands there twice', '--trials', '1', '--objective', 'mIoU', '--objective', 'mIoU:max'),
        ('a name for a folder is needed', '--trials', '1', '--study', 'a/b'),
        ('a name for a folder', '--trials', '1', '--project', '../x'),
        ('the space searches over swap.losses', '--trials', '1', '--swap', 'losses=focal'),
        (f'the space searches over {LR}', '--trials', '1', '--cfg-options', f'{LR}=1'),
        ('cannot be opened', '--trials', '1', '--storage', 'nonsense://x'),
    ):
        assert said in mistake(capsys, *more), more
    assert run_tool('search', 'configs/tiny/tinny.py', '--space', 'space_tiny.yaml', '--trials', '1') == 2
    assert 'did you mean' in capsys.readouterr().err
    assert not list(Path('work_dirs').rglob('trial*'))


def test_without_optuna_one_line_says_how_to_get_it(project, capsys, monkeypatch):
    monkeypatch.setattr('mmseg_ext.sweeps.search.find_spec', lambda name: None)
    assert mistake(capsys, '--trials', '1') == (
        "error: optuna not installed; pip install -c requirements/constraints.txt -e '.[search]'\n"
    )


def test_the_help_needs_no_optuna():
    """Nothing that the tool imports at its top imports it."""
    run = f"runpy.run_path({str(ROOT / 'tools/search.py')!r}, run_name='__main__')"
    code = f"import runpy, sys; sys.modules['optuna'] = None; sys.argv = ['search.py', '--help']; {run}"
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'A study is bound to recipe' in done.stdout

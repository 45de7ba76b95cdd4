"""The command line: exit codes 0, 2 and 3, one line for a mistake, a plot where it is asked for."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import make_dataset

REPO = Path(__file__).parents[2]


TOOL = str(REPO / 'tools/check_dataset.py')


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process, which has imported torch already: exit code, output, errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(TOOL, run_name='__main__')
        return stopped.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def root(tmp_path):
    return make_dataset(tmp_path / 'tiny')


def test_a_clean_set_from_another_folder(root, tmp_path):
    result = subprocess.run(
        [sys.executable, TOOL, root], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert result.returncode == 0, result.stderr
    assert 'tiny: 8 pairs checked, no problems' in result.stdout
    assert 'plot: work_dirs/check/tiny/class_shares.png' in result.stdout
    assert (tmp_path / 'work_dirs/check/tiny/class_shares.png').stat().st_size > 5000


def test_problems(run, root, tmp_path):
    (root / 'img_dir/val/val_000.png').write_bytes(b'')
    code, output, _ = run(root, '--out', tmp_path / 'out', '--workers', 1)
    assert code == 3
    assert 'an empty file (0 bytes)' in output
    assert (tmp_path / 'out/class_shares.png').is_file()


def test_a_base_with_its_data_elsewhere(run, tmp_path, monkeypatch):
    make_dataset(tmp_path / 'wta_512')
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    code, output, _ = run(REPO / 'configs/_base_/datasets/wta_512.py', '--out', tmp_path / 'out')
    assert code == 0
    assert 'wta_512: 8 pairs checked, no problems' in output
    assert '2 broken' in output


def test_a_set_that_is_not_there_gets_no_plot(run, tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    code, output, _ = run(REPO / 'configs/_base_/datasets/indoor.py', '--out', tmp_path / 'out')
    assert code == 3
    assert 'no such folder; get the set as data/README.md says' in output
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(('arguments', 'message'), [
    (['no_such_set'], 'error: no_such_set: no such config'),
    (['tests', '--swap', 'datasets=x'], 'error: --swap datasets=x: only a config has parts to swap'),
    (['data', '--workers', '0'], 'argument --workers: 0 is not a positive number'),
])  # fmt: skip
def test_usage(run, arguments, message, monkeypatch):
    monkeypatch.chdir(REPO)
    code, output, errors = run(*arguments)
    assert code == 2
    assert message in errors
    assert output == ''


def test_help_shows_the_commands(run):
    code, output, _ = run('--help')
    assert code == 0
    assert 'python tools/check_dataset.py CONFIG --swap datasets=magnetic_tile' in output

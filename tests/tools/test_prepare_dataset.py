"""The command line: a download becomes a set that the check and a config accept; mistakes are one line."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPO = Path(__file__).parents[2]
TOOL = str(REPO / 'tools/prepare_dataset.py')


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
def deepcrack(tmp_path):
    """Ten and four pictures in the shape of DeepCrack."""
    rng = np.random.default_rng(0)
    for part, count in (('train', 10), ('test', 4)):
        for index in range(count):
            for folder, array in (
                (f'{part}_img', rng.integers(0, 256, (16, 18, 3))),
                (f'{part}_lab', np.eye(16, 18) * 255),
            ):
                path = tmp_path / 'download' / folder / f'{part}{index}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array.astype(np.uint8)).save(path)
    return tmp_path / 'download'


def test_a_download_becomes_a_set_at_its_place(run, deepcrack, tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path / 'sets'))
    code, output, errors = run('deepcrack', '--src', deepcrack)
    assert (code, errors) == (0, '')
    out = tmp_path / 'sets/deepcrack'
    assert f'next:  python tools/check_dataset.py {out}' in output
    assert 'train: a recipe with --swap datasets=deepcrack\n' in output
    assert 'train 8, val 2, test 4' in output
    check = str(REPO / 'tools/check_dataset.py')
    monkeypatch.setattr(
        sys, 'argv', [check, str(REPO / 'configs/_base_/datasets/deepcrack.py'), '--out', str(tmp_path)]
    )
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(check, run_name='__main__')
    assert stopped.value.code == 0


def test_ones_own_pairs_end_with_the_base_to_save(run, deepcrack, tmp_path):
    folders = ['--images', deepcrack / 'train_img', '--masks', deepcrack / 'train_lab', '--out', tmp_path / 'mine']
    code, output, _ = run(
        'pairs', *folders, '--classes', 'background', 'scratch', '--values', '0=0', '255=scratch'
    )
    assert code == 0
    base = output.partition('mine.py holds\n')[2]
    (tmp_path / 'mine.py').write_text('\n'.join(line[2:] for line in base.splitlines()))
    (tmp_path / '_loaders.py').write_text((REPO / 'configs/_base_/datasets/_loaders.py').read_text())
    from mmseg_ext.datasets.sources import from_config

    source = from_config(tmp_path / 'mine.py')
    assert (source.classes, source.problems) == (('background', 'scratch'), [])
    assert sum(len(matching.pairs) for matching in source.splits.values()) == 10


def test_findings_are_printed(run, deepcrack, tmp_path):
    (deepcrack / 'test_lab/test3.png').unlink()
    code, output, _ = run('deepcrack', '--src', deepcrack, '--out', tmp_path / 'set', '--split', 1, 0, 0)
    assert code == 0
    assert 'Left out: 1' in output
    assert 'test3.png: image without mask' in output
    assert 'val: no picture in it' in output
    assert f'after moving {tmp_path / "set"} to' in output


def test_another_name_of_camvid(run, tmp_path):
    code, _, errors = run('camvid11', '--src', tmp_path, '--out', tmp_path / 'set')
    assert code == 2
    assert 'expected the folders train, trainannot' in errors


@pytest.mark.parametrize(('arguments', 'message'), [
    (['crack500', '--src', 'nowhere'], 'error: nowhere: no such folder; expected train.txt'),
    (['pairs', '--out', 'x', '--classes', 'a', 'b'], 'error: pairs: give --src, or --images and --masks'),
    (['crack500', '--src', '.', '--split', '0', '0', '0'], 'error: --split 0 0 0: nothing would be written'),
    (['crack500', '--src', '.', '--split', '-1', '0', '0'], '-1 is no share'),
    (['magnetic_tile', '--src', '.', '--values', '0=0'], 'unrecognized arguments: --values 0=0'),
    (['cats', '--src', '.'], "invalid choice: 'cats'"),
])  # fmt: skip
def test_usage(arguments, message, run):
    code, output, errors = run(*arguments)
    assert code == 2
    assert message in errors
    assert output == ''


def test_data_that_cannot_be_used(run, deepcrack, tmp_path):
    folders = ['--images', deepcrack / 'train_img', '--masks', deepcrack / 'train_lab', '--out', tmp_path / 'mine']
    code, _, errors = run('pairs', *folders, '--classes', 'background', 'scratch', '--values', '0=0')
    assert code == 3
    assert "255 (160 pixels); add to --values: '255=CLASS'" in errors


def test_help_shows_the_commands(run):
    code, output, _ = run('--help')
    assert code == 0
    assert 'python tools/prepare_dataset.py magnetic_tile --src DOWNLOAD' in output
    assert 'crack500' in output

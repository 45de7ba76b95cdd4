"""tools/predict.py as its user meets it: equal to tools/test.py, and honest about bad images."""

import csv
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_project import make_project
from tool_runner import run_tool
from untrained_run import WEIGHTS, make_untrained_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A project and the folder of a run in it."""
    project = make_project(tmp_path_factory.mktemp('project'))
    make_untrained_run(project, project.root / 'run')
    return project


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    monkeypatch.setattr(logging, 'raiseExceptions', False)  # loggers of earlier tests, whose streams are closed
    return made


def run(tool: str, *arguments) -> int:
    return run_tool(tool, *arguments)


def masks(folder: Path) -> dict[str, np.ndarray]:
    return {
        file.relative_to(folder).as_posix(): cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        for file in sorted(folder.rglob('*.png'))
    }


def test_masks_equal_those_of_the_test(project, tmp_path, capsys):
    assert run('test', project.recipe, 'run', '--out', tmp_path / 'tested', '--work-dir', tmp_path / 'work') == 0
    assert run('predict', project.recipe, 'run', project.data / 'img_dir/test', '--out', tmp_path / 'found') == 0
    assert run('predict', 'run', project.data / 'img_dir/test', '--out', tmp_path / 'again') == 0
    expected = masks(tmp_path / 'tested')
    assert expected.keys() == {'test_000.png', 'test_001.png', 'test_002.png'}
    for folder in ('found', 'again'):
        found = masks(tmp_path / folder / 'masks')
        assert found.keys() == expected.keys()
        for name, mask in expected.items():
            assert mask.any()
            np.testing.assert_array_equal(found[name], mask)
    out = capsys.readouterr().out
    assert '3 of 3 images, defects: blob1 ' in out
    assert 'overwritten' not in out
    with (tmp_path / 'found/defects.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2
    for row in rows:
        mask = expected[Path(row['image']).name]
        assert int(row['pixels']) == (mask == int(row['class'][-1])).sum()


def test_a_second_time_says_what_it_overwrites(project, tmp_path, capsys):
    image = project.data / 'img_dir/test/test_000.png'
    for _ in range(2):
        assert run('predict', 'run', image, '--out', tmp_path, '--no-overlays', '--scores') == 0
    assert '1 masks were there before and have been overwritten' in capsys.readouterr().out
    assert not (tmp_path / 'overlays').exists()
    scores = np.load(tmp_path / 'scores/test_000.npy')
    assert scores.shape == (3, 64, 80)
    assert scores.astype(float).sum(0) == pytest.approx(1, abs=2e-3)


LINES = '+test_dataloader.dataset.metainfo.curves=[blob1]'


def test_a_class_that_is_a_line_is_measured(project, tmp_path, capsys):
    arguments = ('run', project.data / 'img_dir/test', '--no-overlays', '--cfg-options', LINES)
    assert run('predict', *arguments, '--out', tmp_path / 'mm', '--mm-per-pixel', '0.5') == 0
    said = capsys.readouterr().out
    assert run('predict', *arguments, '--out', tmp_path / 'pixels') == 0
    assert 'mm)' not in capsys.readouterr().out
    tables = {}
    for name in ('defects', 'components'):
        with (tmp_path / f'mm/{name}.csv').open(encoding='utf-8') as file:
            tables[name] = list(csv.DictReader(file))
        with (tmp_path / f'pixels/{name}.csv').open(encoding='utf-8') as file:
            assert next(csv.reader(file))[-3:] == ['length', 'mean_width', 'max_width']
        for row in tables[name]:
            assert bool(row['length']) == (row['class'] == 'blob1')
            assert not row['length'] or float(row['length_mm']) == pytest.approx(float(row['length']) / 2, 1e-2)
    total = sum(float(row['length'] or 0) for row in tables['defects'])
    assert 0 < total == pytest.approx(sum(float(row['length'] or 0) for row in tables['components']), rel=1e-3)
    widest = max(float(row['max_width'] or 0) for row in tables['defects'])
    sizes = [f'{value:.1f} pixels ({value / 2:.4g} mm)' for value in (total, widest)]
    assert f'blob1: length {sizes[0]} in all, largest width {sizes[1]}' in said
    found = [masks(tmp_path / name / 'masks')['test_000.png'] for name in ('mm', 'pixels')]
    np.testing.assert_array_equal(*found)


def test_tiles_from_the_command_line(project, tmp_path):
    large = np.tile(cv2.imread(str(project.data / 'img_dir/test/test_000.png')), (4, 4, 1))
    cv2.imwrite(str(tmp_path / 'large.png'), large)
    for name, options in (('tiled', ['--tile', '128', '--overlap', '32']), ('whole', ['--tile', 'none'])):
        assert run('predict', 'run', tmp_path / 'large.png', '--out', tmp_path / name, *options) == 0
    tiled, whole = (masks(tmp_path / name / 'masks')['large.png'] for name in ('tiled', 'whole'))
    assert tiled.shape == whole.shape == (256, 320)
    assert (tiled != whole).any()  # this network looks at the whole image, so it sees a difference


def test_bad_images_are_told_and_the_others_done(project, tmp_path):
    photos = tmp_path / 'photos'
    for name in ('left', 'right'):
        (photos / name).mkdir(parents=True)
        (photos / name / 'a.png').write_bytes((project.data / 'img_dir/test/test_001.png').read_bytes())
    (photos / 'right/broken.jpg').write_text('hello')
    (photos / 'right/empty.png').touch()
    command = [sys.executable, ROOT / 'tools/predict.py', 'run', photos, '--out', tmp_path / 'out']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 3, done.stderr
    assert '2 of 4 images' in done.stdout
    said = done.stderr[done.stderr.index('error: ') :].splitlines()
    assert len(said) == 2
    assert 'right/broken.jpg: cannot be decoded as an image; replace or remove it' in said[0]
    assert 'right/empty.png: an empty file (0 bytes)' in said[1]
    assert 'Traceback' not in done.stderr
    assert masks(tmp_path / 'out/masks').keys() == {'left/a.png', 'right/a.png'}
    assert {file.name for file in (tmp_path / 'out/overlays').rglob('*.jpg')} == {'a.jpg'}


def test_mistakes_are_one_line(project, tmp_path, capsys):
    image = project.data / 'img_dir/test/test_000.png'
    weights = torch.load(f'run/{WEIGHTS}')['state_dict']
    more = {k: v.repeat_interleave(2, 0) if 'conv_seg' in k else v for k, v in weights.items()}
    torch.save({'state_dict': more}, tmp_path / 'six.pth')
    (tmp_path / 'file').touch()
    for arguments, said in (
        (['run', 'none.png'], 'none.png: no such image or folder'),
        (['run/train/ckpt/none.pth', image], 'no such checkpoint'),
        ([tmp_path / 'six.pth', image], 'lies in no run'),
        ([project.recipe, tmp_path / 'six.pth', image], 'it predicts 6 classes, this config 3'),
        (['none.py', 'run', image], 'no such config'),
        (['run', image, '--device', 'cuda:77'], 'device cuda:77'),
        (['run', image, '--tile', 'maybe'], "tile 'maybe'"),
        (['run', image, '--tile', '100', '--overlap', '99'], 'overlap 99'),
        (['run', image, '--out', tmp_path / 'file/below'], 'cannot write there'),
        (['run', image, '--cfg-options', 'modl.type=X'], 'no "modl" there'),
        (['run', image, '--mm-per-pixel', '0.2'], 'no class that is a line'),
        (['run', image, '--mm-per-pixel', '-1'], '-1.0 mm per pixel: expected a number above 0'),
    ):
        assert run('predict', *arguments, *([] if '--out' in arguments else ['--out', tmp_path / 'out'])) == 2
        err = capsys.readouterr().err
        assert said in err
        assert len(err.splitlines()) == 1
    assert run('predict', 'run', '--out', tmp_path / 'out') == 2
    assert 'at least one image' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()

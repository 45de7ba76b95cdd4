"""--tta as its user meets it: both results, gain and cost, and the same masks from both tools."""

import copy
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict
from tiny_project import make_project
from tool_runner import run_tool
from untrained_run import UNET, WEIGHTS, make_untrained_run

from mmseg_ext.engine.recipe import save_config

ROOT = Path(__file__).resolve().parents[2]
BEST = 0.37
SWEPT = dict(type='ThresholdMetric', protocol='macro', tolerance=0)


def single_logit_run(project, folder: Path) -> None:
    """A run of one logit whose validation has found a threshold."""
    model = copy.deepcopy(UNET)
    model['decode_head'].update(num_classes=2, out_channels=1, threshold=0.6)
    make_untrained_run(project, folder, model)
    cfg = project.config()
    cfg.model = ConfigDict(model)
    cfg.val_evaluator = cfg.test_evaluator = [dict(type='DefectMetric'), SWEPT]
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.metainfo = dict(classes=['background', 'blob'])
    save_config(cfg, folder / 'train')
    found = dict(checkpoint=str(folder / WEIGHTS), threshold=dict(best=BEST))
    (folder / 'train/result.json').write_text(json.dumps(found))


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Path:
    """A folder with the runs ``classes`` and ``single`` (one logit), which tests only add to."""
    project = make_project(tmp_path_factory.mktemp('project'))
    make_untrained_run(project, project.root / 'classes', UNET)
    for file in project.data.glob('ann_dir/*/*.png'):
        cv2.imwrite(str(file), np.minimum(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), 1))
    single_logit_run(project, project.root / 'single')
    return project.root


@pytest.fixture
def here(made, monkeypatch) -> Path:
    monkeypatch.chdir(made)
    monkeypatch.setattr(logging, 'raiseExceptions', False)  # loggers of earlier tests, whose streams are closed
    return made


def judged(run: str, *arguments: object) -> int:
    return run_tool('test', f'{run}/train/config.py', run, *arguments)


def result(folder: Path) -> dict:
    return json.loads((folder / 'result.json').read_text())


def masks(folder: Path) -> dict[str, np.ndarray]:
    return {file.name: cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted(folder.glob('*.png'))}


@pytest.mark.parametrize('run', ['classes', 'single'])
def test_both_are_measured_and_the_masks_of_both_tools_agree(here, tmp_path, capsys, run):
    views = ['--tta', 'flip', 'scales=0.75,1']
    assert judged(run, '--work-dir', tmp_path, '--out', tmp_path / 'without') == 0
    alone = result(tmp_path / 'test')
    capsys.readouterr()
    assert judged(run, '--work-dir', tmp_path, '--out', tmp_path / 'tested', *views) == 0
    plain, augmented = result(tmp_path / 'test'), result(tmp_path / 'test-tta')
    assert (alone['tta'], plain['tta'], augmented['tta']) == (None, None, 'flip scales=0.75,1')
    for key in ('scores', 'confusion', 'curves', 'threshold'):
        assert plain[key] == alone[key]
    for key in ('recipe', 'config_hash', 'split_hash', 'checkpoint', 'images'):
        assert plain[key] == augmented[key]
    assert plain['threshold']['used'] == augmented['threshold']['used'] == (BEST if run == 'single' else None)
    assert run_tool('predict', run, 'data/mine/img_dir/test', '--out', tmp_path / 'found', *views) == 0
    ours = masks(tmp_path / 'tested')
    assert len(ours) == 3
    counts = np.zeros(len(augmented['classes']), int)
    for name, mask in ours.items():
        np.testing.assert_array_equal(
            mask, cv2.imread(str(tmp_path / f'found/masks/{name}'), cv2.IMREAD_UNCHANGED)
        )
        counts += np.bincount(mask.ravel(), minlength=len(counts))
    assert counts.tolist() == np.sum(augmented['confusion'], 0).tolist()  # these masks are those that were scored
    without = masks(tmp_path / 'without')
    assert any((mask != without[name]).any() for name, mask in ours.items())


def test_gain_and_cost_are_printed_and_kept(here, tmp_path, capsys):
    assert judged('single', '--split', 'val', '--work-dir', tmp_path, '--tta') == 0
    out = capsys.readouterr().out
    plain, augmented = result(tmp_path / 'val'), result(tmp_path / 'val-tta')
    assert augmented['tta'] == 'flip'
    lines = dict(
        line.strip().split(None, 1) for line in out.partition('augmentation: flip')[2].splitlines()[2:] if line
    )
    for name in ('mIoU_fg', 'FalseAlarms', 'ODS@macro-0px'):
        before, after, gain = map(float, lines[name].split())
        assert before == pytest.approx(plain['scores'][name], abs=0.006)
        assert after == pytest.approx(augmented['scores'][name], abs=0.006)
        assert gain == pytest.approx(after - before, abs=0.011)
    assert not any('.' in name.partition('@')[0] and name.startswith('IoU') for name in lines)
    cost = augmented['network_seconds']
    assert 'network_seconds' not in plain
    assert lines['seconds'].split()[-1] == f'{cost["ratio"]:.2f}'
    assert min(cost['plain'], cost['augmented']) > 0
    first, second = (tmp_path / name / 'val_log.txt' for name in ('val', 'val-tta'))
    assert out.endswith(first.read_text() + second.read_text())
    assert 'seed 0, tta flip' in second.read_text()
    assert cv2.imread(str(tmp_path / 'val-tta/worst.png')).std() > 5


def test_the_image_itself_as_the_only_view_changes_nothing(here, tmp_path):
    assert judged('classes', '--work-dir', tmp_path, '--tta', 'scales=1') == 0
    plain, augmented = result(tmp_path / 'test'), result(tmp_path / 'test-tta')
    assert plain['scores'] == augmented['scores']
    assert (tmp_path / 'test/per_image.csv').read_bytes() == (tmp_path / 'test-tta/per_image.csv').read_bytes()


def test_another_config_has_its_folders_too(here):
    assert (
        judged('classes', '--tta', '--cfg-options', 'test_dataloader.dataset.metainfo.classes=background,spot,dot')
        == 0
    )
    (plain,) = (here / 'classes').glob('test-*[!a]')
    assert result(plain.with_name(f'{plain.name}-tta'))['config_hash'] == result(plain)['config_hash']
    assert not (here / 'classes/test').exists()


@pytest.mark.parametrize('words', [['mirror'], ['flip', 'flip'], ['scales=0']])
def test_wrong_words_are_one_line_before_anything_is_done(here, tmp_path, capsys, words):
    for tool, arguments in (
        ('test', ['single/train/config.py', 'single', '--work-dir', tmp_path / 'work']),
        ('predict', ['single', 'data/mine/img_dir/test', '--out', tmp_path / 'work']),
    ):
        assert run_tool(tool, *arguments, '--tta', *words) == 2
        said = capsys.readouterr().err
        assert said.startswith('error: tta ')
        assert words[-1] in said
        assert len(said.splitlines()) == 1
    assert not (tmp_path / 'work').exists()


def test_two_processes_equal_one(here, tmp_path):
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    tool = [ROOT / 'tools/test.py', 'single/train/config.py', 'single', '--launcher', 'pytorch', '--tta']
    environment = {**os.environ, 'GLOO_SOCKET_IFNAME': 'lo', 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [*command, *map(str, tool), '--work-dir', str(tmp_path / 'two')],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('test-time augmentation: flip') == 1
    assert judged('single', '--work-dir', tmp_path / 'one', '--tta') == 0
    for name in ('test', 'test-tta'):
        assert result(tmp_path / 'two' / name)['scores'] == result(tmp_path / 'one' / name)['scores']

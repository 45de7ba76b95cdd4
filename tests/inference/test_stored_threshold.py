"""The threshold that a training has found decides everywhere afterwards: testing, predicting, exporting."""

import copy
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
from mmengine.config import Config, ConfigDict
from tiny_project import Project, copy_project
from tool_runner import run_tool
from untrained_run import UNET, random_weights

import mmseg_ext
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.engine.training import find_checkpoint, train

ROOT = Path(__file__).resolve().parents[2]
HEAD = dict(num_classes=2, out_channels=1, threshold=0.6, loss_decode=dict(type='BCEDiceLoss'))
SWEPT = dict(type='ThresholdMetric', protocol='macro', tolerance=0)
VOLATILE = {'finished', 'seconds', 'images_per_second', 'peak_memory_gib', 'commit'}


def recipe(project: Project, start: Path) -> Config:
    """One iteration of a small U-Net of one logit, from weights that are sure of nearly every pixel."""
    cfg = project.config()
    model = copy.deepcopy(UNET)
    model['data_preprocessor']['size'] = (64, 64)
    model['decode_head'].update(HEAD)
    torch.save({'state_dict': random_weights(model)}, start)
    cfg.model, cfg.load_from = ConfigDict(model), str(start)
    cfg.train_cfg.update(max_iters=1, val_interval=1)
    cfg.val_evaluator = cfg.test_evaluator = [
        dict(type='DefectMetric'),
        SWEPT,
        dict(SWEPT, protocol='crackformer'),
    ]
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.metainfo = dict(classes=['background', 'blob'])
    return cfg


@pytest.fixture(scope='module')
def made(project, tmp_path_factory) -> Path:
    """A folder with a data set of two classes and ``run``, a finished training. Tests only add to it."""
    own = copy_project(project, tmp_path_factory.mktemp('own'))
    for file in own.data.glob('ann_dir/*/*.png'):
        cv2.imwrite(str(file), np.minimum(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), 1))
    train(recipe(own, own.root / 'start.pth'), own.root / 'run')
    return own.root


@pytest.fixture
def run(made, monkeypatch) -> Path:
    monkeypatch.chdir(made)
    return made / 'run'


def result(folder: Path) -> dict:
    return json.loads((folder / 'result.json').read_text())


def masks(folder: Path) -> dict[str, np.ndarray]:
    return {file.stem: cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in folder.rglob('*.png')}


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def test_the_training_decides_by_its_config_and_finds_the_best(run):
    found = result(run / 'train')
    threshold = found['threshold']
    assert (threshold['used'], threshold['origin'], threshold['tag']) == (0.6, 'config', 'macro-0px')
    assert threshold['best'] == found['scores']['threshold@macro-0px'] != 0.6
    assert list(found['curves']) == ['macro-0px', 'crackformer-0px']
    curve = found['curves']['macro-0px']
    assert {len(values) for values in curve.values()} == {101}
    assert max(curve['f1']) == pytest.approx(found['scores']['ODS@macro-0px'], abs=1e-6)


def test_from_then_on_the_best_decides_and_masks_agree(run, tmp_path, capsys):
    best = result(run / 'train')['threshold']['best']
    assert run_tool('test', 'run/train/config.py', 'run', '--out', tmp_path / 'tested') == 0
    said, tested = capsys.readouterr().out, result(run / 'test')
    assert (tested['threshold']['used'], tested['threshold']['origin']) == (best, 'validation')
    assert tested['config_hash'] == result(run / 'train')['config_hash']
    assert config_hash(Config.fromfile(run / 'test/config.py')) == tested['config_hash']
    assert f'masks: probability > {best:g} (best of the validation after training)' in said
    assert said.endswith((run / 'test/test_log.txt').read_text())
    assert run_tool('predict', 'run', 'mine/img_dir/test', '--out', tmp_path / 'found', '--no-overlays') == 0
    ours = masks(tmp_path / 'tested')
    assert equal(ours, masks(tmp_path / 'found/masks'))
    model = mmseg_ext.load(checkpoint=run)
    for name, mask in ours.items():
        predicted, (probability,) = model.predict(f'mine/img_dir/test/{name}.png')
        np.testing.assert_array_equal(predicted, mask)
        np.testing.assert_array_equal(probability > np.float32(best), mask == 1)
        assert ((probability > 0.6) != (mask == 1)).any()


def test_scores_of_a_tag_are_on_a_line_of_their_own(run, capsys):
    assert run_tool('test', 'run/train/config.py', 'run', '--split', 'val') == 0
    lines, scores = capsys.readouterr().out.splitlines(), result(run / 'val')['scores']
    for protocol in ('macro', 'crackformer'):
        (line,) = [line for line in lines if line.endswith(f'({protocol}, 0 px)') and 'ODS' in line]
        ods, threshold = (scores[f'{name}@{protocol}-0px'] for name in ('ODS', 'threshold'))
        assert line.startswith(f'  ODS {ods:.4f}  OIS 0.')
        assert f'  threshold {threshold:.2f}  ' in line
        assert '@' not in line


@pytest.mark.parametrize('value', [0.2, 0.9])
def test_another_threshold_can_be_asked_for(run, tmp_path, capsys, value):
    before = (run / 'test/result.json').read_bytes() if (run / 'test').exists() else None
    options = ['--cfg-options', f'model.decode_head.threshold={value}']
    arguments = ['run/train/config.py', 'run', '--out', tmp_path / 'tested', '--work-dir', tmp_path / 'work']
    assert run_tool('test', *arguments, *options) == 0
    (folder,) = (tmp_path / 'work').iterdir()
    assert result(folder)['threshold']['used'] == value
    assert result(folder)['threshold']['origin'] == 'command line'
    assert f'masks: probability > {value:g} (asked for' in capsys.readouterr().out
    assert before is None or (run / 'test/result.json').read_bytes() == before
    command = ['run', 'mine/img_dir/test', '--out', tmp_path / 'found', '--no-overlays']
    assert run_tool('predict', *command, *options) == 0
    assert equal(masks(tmp_path / 'tested'), masks(tmp_path / 'found/masks'))


@pytest.mark.parametrize('value', ['1.5', '-0.1'])
@pytest.mark.parametrize('tool', ['test', 'predict', 'export', 'train'])
def test_a_threshold_that_is_no_probability_is_one_line(run, tmp_path, capsys, tool, value):
    arguments = {
        'test': ['run/train/config.py', 'run'],
        'predict': ['run', 'mine/img_dir/test', '--out', tmp_path / 'out'],
        'export': ['run', '--out', tmp_path / 'm.onnx'],
        'train': ['run/train/config.py', '--work-dir', tmp_path / 'out'],
    }
    assert run_tool(tool, *arguments[tool], '--cfg-options', f'model.decode_head.threshold={value}') == 2
    said = capsys.readouterr().err
    assert f'model.decode_head.threshold: {value} is no probability' in said
    assert len(said.splitlines()) == 1


def test_the_validation_that_chooses_is_not_led_by_an_older_choice(run, tmp_path):
    shutil.copytree(run, tmp_path / 'run')
    checkpoint = find_checkpoint(tmp_path / 'run')
    cfg = Config.fromfile(tmp_path / 'run/train/config.py')
    again = judge(cfg, checkpoint, 'val', tmp_path / 'run/train')
    assert again['threshold'] == result(run / 'train')['threshold']
    assert again['scores']['mIoU_fg'] == result(run / 'train')['scores']['mIoU_fg']
    elsewhere = judge(cfg, checkpoint, 'val', tmp_path / 'run/val')
    assert elsewhere['threshold']['used'] == again['threshold']['best']
    assert elsewhere['scores']['mIoU_fg'] != again['scores']['mIoU_fg']


def test_an_exported_file_decides_alike_and_says_by_what(run, tmp_path):
    onnx = pytest.importorskip('onnx', reason='needs the export extra')
    onnxruntime = pytest.importorskip('onnxruntime', reason='needs the export extra')
    assert run_tool('export', 'run', '--out', tmp_path / 'm.onnx') == 0
    best = result(run / 'train')['threshold']['best']
    facts = {each.key: each.value for each in onnx.load(tmp_path / 'm.onnx').metadata_props}
    assert (float(facts['threshold']), facts['threshold_origin']) == (best, 'validation')
    session = onnxruntime.InferenceSession(tmp_path / 'm.onnx', providers=['CPUExecutionProvider'])
    image = cv2.imread('mine/img_dir/test/test_001.png')
    probabilities, mask = session.run(None, {'image': image[None, ..., ::-1].copy()})
    np.testing.assert_array_equal(mask == 1, probabilities[:, 0] > np.float32(best))
    assert (mask[0] == mmseg_ext.load(checkpoint=run).predict(image)[0]).mean() > 0.999


def test_two_processes_decide_alike(run, tmp_path):
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    arguments = [ROOT / 'tools/test.py', 'run/train/config.py', 'run', '--launcher', 'pytorch']
    environment = {**os.environ, 'GLOO_SOCKET_IFNAME': 'lo', 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [*command, *map(str, arguments), '--work-dir', str(tmp_path / 'two')],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('masks: probability >') == 1
    assert run_tool('test', 'run/train/config.py', 'run', '--work-dir', tmp_path / 'one') == 0
    one, two = result(tmp_path / 'one/test'), result(tmp_path / 'two/test')
    assert {key for key in one if one[key] != two[key]} <= VOLATILE

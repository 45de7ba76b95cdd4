"""tools/export.py as its user meets it: a file that works alone, and one line for whatever stops it."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_project import make_project
from tool_runner import run_tool

import mmseg_ext
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.engine.training import train
from mmseg_ext.export import exporting

onnx = pytest.importorskip('onnx', reason='needs the export extra')
onnxruntime = pytest.importorskip('onnxruntime', reason='needs the export extra')
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A project with a finished run."""
    project = make_project(tmp_path_factory.mktemp('project'))
    train(project.config(), project.root / 'run')
    return project


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    return made


def run(*arguments) -> int:
    return run_tool('export', *arguments)


def outputs(file: Path, image: np.ndarray) -> list[np.ndarray]:
    """What a stranger gets from the file for an image (H, W, 3) BGR, with onnxruntime alone."""
    session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
    return session.run(None, {'image': image[None, ..., ::-1].copy()})


def test_a_run_becomes_a_file_that_predicts_and_explains_itself(project, capsys):
    assert run('run', '--out', 'out/model.onnx') == 0
    said = capsys.readouterr().out
    assert 'takes images 1 x 64 x 80 x 3 uint8 RGB' in said
    assert '100.0000 % of the pixels have the same class' in said
    image = cv2.imread(str(project.data / 'img_dir/test/test_001.png'))
    mask, scores = mmseg_ext.load(checkpoint='run').predict(image)
    probabilities, masks = outputs(Path('out/model.onnx'), image)
    np.testing.assert_allclose(probabilities[0], scores, atol=1e-5)
    assert masks.dtype == np.uint8
    assert (masks[0] == mask).mean() > 0.999
    facts = {each.key: each.value for each in onnx.load('out/model.onnx').metadata_props}
    assert json.loads(facts['classes']) == ['background', 'blob1', 'blob2']
    assert len(json.loads(facts['palette'])) == 3
    assert (facts['recipe'], facts['seed'], facts['iteration']) == ('tiny', '0', facts['checkpoint'][-5])
    assert facts['config_hash'] == config_hash(project.config())
    best = next(Path('run/train/ckpt').glob('best_*.pth'))
    assert facts['checkpoint_sha256'] == hashlib.sha256(best.read_bytes()).hexdigest()
    assert [file.name for file in Path('out').iterdir()] == ['model.onnx']


def test_a_dynamic_file_takes_batches_of_every_size(project):
    assert run(project.recipe, 'run', '--out', 'any.onnx', '--dynamic') == 0
    image = np.random.default_rng(0).integers(0, 256, (101, 75, 3), dtype=np.uint8)
    mask, scores = mmseg_ext.load(checkpoint='run').predict(image)
    probabilities, masks = outputs(Path('any.onnx'), image)
    np.testing.assert_allclose(probabilities[0], scores, atol=1e-5)
    assert (masks[0] == mask).mean() > 0.999
    session = onnxruntime.InferenceSession('any.onnx', providers=['CPUExecutionProvider'])
    batch = session.run(None, {'image': np.repeat(image[None, ..., ::-1], 3, 0)})[0]
    np.testing.assert_allclose(batch, np.repeat(probabilities, 3, 0), atol=1e-6)


class Foreign(torch.nn.Module):
    """Another network than the one asked for; as ``fixed`` one that knows one size alone."""

    def __init__(self, fixed: bool = False):
        super().__init__()
        self.fixed = fixed

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The colours as probabilities."""
        values = image.permute(0, 3, 1, 2).float().softmax(1)
        values = values.view(-1, 3, 64, 80) if self.fixed else values
        return values, values.argmax(1).to(torch.uint8)


@pytest.mark.parametrize('dynamic', [False, True])
def test_a_file_that_differs_is_not_kept(project, capsys, monkeypatch, dynamic):
    real = exporting.convert
    monkeypatch.setattr(exporting, 'convert', lambda graph, *rest: real(Foreign(fixed=dynamic), *rest))
    if dynamic:  # as if it agreed at its own size
        compare = exporting.compare
        monkeypatch.setattr(exporting, 'compare', lambda *a, **k: compare(*a, **k) if 'runs' in k else None)
    Path('kept.onnx').write_bytes(b'before')
    assert run('run', '--out', 'kept.onnx', *['--dynamic'] * dynamic) == 1
    said = 'leave out --dynamic' if dynamic else 'the exported network differs from the model: probabilities'
    assert said in capsys.readouterr().err
    assert Path('kept.onnx').read_bytes() == b'before'
    assert not list(Path().glob('.*partial*'))


@pytest.mark.parametrize(
    ('arguments', 'code', 'said'),
    [
        (['none', '--out', 'm.onnx'], 2, 'no such checkpoint'),
        (['run', '--out', 'm.pt'], 2, 'expected a name that ends in .onnx'),
        (['run', '--out', 'm.onnx', '--dynamic', '--size', '64', '64'], 2, 'leave out --size'),
        (['run', '--out', 'm.onnx', '--size', '0', '64'], 2, '0 is not a positive number'),
        (['run', '--out', 'm.onnx', '--check', 'absent.jpg'], 3, 'absent.jpg'),
        (['a', 'b', 'c', '--out', 'm.onnx'], 2, 'expected a config and a checkpoint'),
        (['run', '--out', 'm.onnx', '--cfg-options', 'model.typo=1'], 2, 'typo'),
    ],
)
def test_what_is_wrong_is_said(project, capsys, arguments, code, said):
    assert run(*arguments) == code
    assert said in capsys.readouterr().err
    assert not Path('m.onnx').exists()


def test_a_pipeline_that_changes_images_is_refused(project, capsys):
    step = "{'type':'Resize','scale':(40,32)}"
    text = project.recipe.read_text() + f'test_dataloader["dataset"]["pipeline"].insert(1, {step})\n'
    text += 'val_dataloader = test_dataloader\n'
    changed = project.recipe.with_name('resized.py')
    changed.write_text(text.replace('pipeline=_base_.test_pipeline', 'pipeline=list(_base_.test_pipeline)'))
    assert run(changed, 'run', '--out', 'm.onnx') == 2
    assert 'the test pipeline of this recipe changes images' in capsys.readouterr().err


def test_without_test_images_one_can_be_named(project, capsys):
    missing = ['--cfg-options', 'test_dataloader.dataset.data_root=nowhere']
    assert run('run', '--out', 'm.onnx', *missing) == 3
    err = capsys.readouterr().err
    assert '--check IMAGE' in err
    assert len(err.splitlines()) == 1

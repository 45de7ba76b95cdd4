"""tools/predict.py with a model that is asked by example: from folders and files to masks and iou.txt."""

import csv
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from colour_finder import SIZE, make_finder_run, write_pair
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from tiny_project import make_project
from tool_runner import run_tool
from untrained_run import UNET, WEIGHTS, make_untrained_run

import mmseg_ext
from mmseg_ext.functional.colour_code import spread_palette
from mmseg_ext.inference import PromptFolder, Prompting
from mmseg_ext.models.seggpt.prompts import Prompts

RED, BLUE = (10, 10, 8, 30), (40, 50, 15, 15)
PROMPTS = ('--prompt-img-dir', 'prompts/images', '--prompt-label-dir', 'prompts/labels')
TINY = dict(
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=2,
    image_size=(64, 32),
    pretrain_image_size=32,
    decoder_hidden_size=8,
    drop_path_rate=0.0,
    merge_index=0,
    intermediate_hidden_state_indices=[0, 1, 2, 3],
)
SEGGPT = dict(
    type='SegGPTSegmentor',
    network=dict(config=TINY),
    num_classes=2,
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
)


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Path:
    """Runs of the finder and of a U-Net, prompts ``a`` (red) and ``b`` (blue), two photographs with labels."""
    project = make_project(tmp_path_factory.mktemp('project'))
    root = project.root
    make_finder_run(project, root / 'run')
    make_untrained_run(project, root / 'unet', UNET)
    write_pair(root / 'prompts', 'a', red=(2, 3, 20, 20))
    write_pair(root / 'prompts', 'b', blue=(22, 30, 20, 20))
    write_pair(root, 'q', red=RED, blue=BLUE)
    write_pair(root, 'r', blue=BLUE)
    return root


@pytest.fixture
def place(made, monkeypatch) -> Path:
    monkeypatch.chdir(made)
    monkeypatch.setattr(logging, 'raiseExceptions', False)  # loggers of earlier tests, whose streams are closed
    return made


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def predicted(out: Path, name: str) -> np.ndarray:
    return cv2.imread(str(out / f'masks/{name}.png'), cv2.IMREAD_UNCHANGED)


def test_the_same_prompt_for_all(place, tmp_path, capsys):
    options = ('--label-dir', 'labels', '--split', 2, '--stitch')
    assert run_tool('predict', 'run', 'images', '--out', tmp_path, *PROMPTS, *options) == 0
    np.testing.assert_array_equal(predicted(tmp_path, 'q'), box(*RED))
    assert not predicted(tmp_path, 'r').any()
    assert (tmp_path / 'iou.txt').read_text() == 'q 1.0000\nr 0.0000\nmean 0.5000\n'
    said = capsys.readouterr().out
    assert f'mean IoU 0.5000 of 2 images: {tmp_path}/iou.txt' in said
    with (tmp_path / 'defects.csv').open() as file:
        assert [row['pixels'] for row in csv.DictReader(file)] == ['240', '0']


def test_each_its_own_prompt(place, tmp_path):
    mapping = tmp_path / 'mapping.json'
    mapping.write_text(json.dumps({'q.png': ['a.png', 'b.png'], 'r.png': ['b.png', 'a.png']}))
    options = ('--mapping', mapping, '--top-k', 1)
    assert run_tool('predict', 'run', 'images', '--out', tmp_path, *PROMPTS, *options) == 0
    np.testing.assert_array_equal(predicted(tmp_path, 'q'), box(*RED))
    np.testing.assert_array_equal(predicted(tmp_path, 'r'), box(*BLUE))
    assert not (tmp_path / 'iou.txt').exists()


def test_what_cannot_be_used_does_not_stop_the_others(place, tmp_path, capsys):
    mapping, labels = tmp_path / 'mapping.json', tmp_path / 'labels'
    mapping.write_text(json.dumps({'q.png': ['a.png']}))
    assert run_tool('predict', 'run', 'images', '--out', tmp_path / 'out', *PROMPTS, '--mapping', mapping) == 3
    assert capsys.readouterr().err.startswith('error: images/r.png: the mapping names no prompts for it')
    assert predicted(tmp_path / 'out', 'q').any()
    labels.mkdir()
    (labels / 'q.png').write_bytes((place / 'labels/q.png').read_bytes())
    cv2.imwrite(str(labels / 'r.jpg'), box(*BLUE))
    assert run_tool('predict', 'run', 'images', '--out', tmp_path / 'two', *PROMPTS, '--label-dir', labels) == 3
    assert f'error: {labels}/r.jpg: JPEG blurs' in capsys.readouterr().err
    assert (tmp_path / 'two/iou.txt').read_text() == 'q 1.0000\nmean 1.0000\n'
    assert not predicted(tmp_path / 'two', 'r').any()


def test_mistakes_are_one_line(place, tmp_path, capsys):
    only = PROMPTS[:2]
    (tmp_path / 'names.json').write_text(json.dumps({'q.png': ['nobody.png']}))
    for code, arguments, said in (
        (2, ['run'], 'ColourFinder is asked by example and has none; give --prompt-img-dir and'),
        (2, ['unet', *PROMPTS], 'EncoderDecoder takes no prompts; leave out the options'),
        (2, ['unet', '--split', 2], 'EncoderDecoder takes no prompts; leave out the options'),
        (2, ['run', *only], '--prompt-img-dir: a prompt is an image and its label; give --prompt-label-dir too'),
        (2, ['run', *PROMPTS, '--prompt', 'x'], '--prompt is one prompt, learnt; leave out --prompt-img-dir and'),
        (2, ['run', '--top-k', 2], '--top-k chooses from folders; give --prompt-img-dir and'),
        (2, ['run', '--gate'], 'gate 0.1: a learnt prompt shows no mask'),
        (2, ['run', *PROMPTS, '--top-k', 3], 'top_k 3: there are 2 prompts'),
        (2, ['run', *PROMPTS, '--gate', 7], 'gate 7.0: expected a score'),
        (2, ['run', *PROMPTS, '--stitch'], 'stitch: there is one tile'),
        (2, ['run', '--prompt', 'none.safetensors'], 'none.safetensors: no such prompt file'),
        (2, ['run', *PROMPTS, '--mapping', 'none.json'], 'none.json: no such mapping'),
        (3, ['run', *PROMPTS, '--mapping', tmp_path / 'names.json'], 'no prompt "nobody.png" in prompts/images'),
        (3, ['run', *PROMPTS, '--label-dir', 'prompts/labels'], 'images/q.png: no label of that name'),
    ):
        assert run_tool('predict', *arguments[:1], 'images/q.png', '--out', tmp_path / 'o', *arguments[1:]) == code
        err = capsys.readouterr().err
        assert said in err
        assert len(err.splitlines()) == 1
    assert not (tmp_path / 'o').exists()


@pytest.fixture(scope='module')
def seggpt(made) -> Path:
    """A run of a tiny SegGPT of random weights, whose answers mean nothing and yet have to agree."""
    pytest.importorskip('transformers')
    project = make_project(made / 'more')
    run = make_finder_run(project, made / 'seggpt', SEGGPT)
    content = torch.load(run / WEIGHTS)
    (head,) = (name for name in content['state_dict'] if name.endswith('decoder_pred.head.weight'))
    content['state_dict'][head] *= 300  # colours far enough apart for both classes to be painted
    torch.save(content, run / WEIGHTS)
    return run


def loaded(seggpt: Path, **options) -> 'mmseg_ext.inference.Predictor':
    prompts = PromptFolder.find('prompts/images', 'prompts/labels', top_k=2)
    return mmseg_ext.load(checkpoint=seggpt, device='cpu', prompting=Prompting(prompts, **options))


def test_seggpt_answers_as_in_a_test(place, seggpt):
    model = loaded(seggpt)
    mask, _ = model.predict('images/q.png')
    assert 0 < mask.mean() < 1
    photographs = [torch.from_numpy(cv2.imread(f'prompts/images/{name}.png')).permute(2, 0, 1) for name in 'ab']
    labels = [torch.from_numpy(cv2.imread(f'prompts/labels/{name}.png', 0) // 255) for name in 'ab']
    sample = SegDataSample(metainfo=dict(img_shape=SIZE, ori_shape=SIZE, pad_shape=SIZE))
    sample.prompt_img = PixelData(data=torch.cat(photographs))
    sample.prompt_sem_seg = PixelData(data=torch.stack(labels))
    query = torch.from_numpy(cv2.imread('images/q.png')).permute(2, 0, 1)
    with torch.inference_mode():
        (tested,) = model.model.test_step(dict(inputs=[query], data_samples=[sample]))
    np.testing.assert_array_equal(mask, tested.pred_sem_seg.data[0].numpy())


def test_seggpt_in_tiles_and_behind_a_gate(place, seggpt):
    masks = {}
    for name, options in dict(
        whole={}, split=dict(split=2), open=dict(gate=0.0), shut=dict(gate=1.0), both=dict(split=2, gate=0.0)
    ).items():
        masks[name], scores = loaded(seggpt, **options).predict('images/q.png')
        assert np.isfinite(scores).all()
    np.testing.assert_array_equal(masks['open'], masks['whole'])
    np.testing.assert_array_equal(masks['both'], masks['split'])
    assert (masks['split'] != masks['whole']).any()
    assert not masks['shut'].any()


def test_seggpt_takes_a_learnt_prompt(place, seggpt, tmp_path):
    shown = loaded(seggpt)
    expected, _ = shown.predict('images/q.png')
    shown.model.prompts.save(tmp_path / 'prompt.safetensors')
    arguments = ('seggpt', 'images/q.png', '--prompt', tmp_path / 'prompt.safetensors')
    assert run_tool('predict', *arguments, '--out', tmp_path) == 0
    assert (predicted(tmp_path, 'q') != expected).mean() < 0.01  # half precision
    palette = spread_palette(3)
    images = torch.zeros(1, 3, 32, 32)
    Prompts(images, images, palette, torch.zeros(3), torch.ones(3)).save(tmp_path / 'three.safetensors')
    assert run_tool('predict', *arguments[:3], tmp_path / 'three.safetensors', '--out', tmp_path) == 2

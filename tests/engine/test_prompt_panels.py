"""A SegGPT is fine-tuned, tuned in context, tested untrained; pictures and prompts lie where they should."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from seggpt_project import SIDE, build_segmentor, make_samples, make_seggpt_project
from tiny_project import Project
from tool_runner import run_tool

from mmseg_ext.engine.hooks import PromptPanelsHook
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.training import best_checkpoint, train
from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.panels import GAP, asked_canvas, draw_panels
from mmseg_ext.models.seggpt.prompts import Prompts

pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')
STEP = SIDE + GAP


@pytest.fixture(scope='module')
def pairs(tmp_path_factory) -> Project:
    return make_seggpt_project(tmp_path_factory.mktemp('seggpt'))


@pytest.fixture(scope='module')
def tuned(pairs, tmp_path_factory) -> Path:
    """The folder of a fine-tuning of six steps. Tests only read it."""
    folder = tmp_path_factory.mktemp('finetuned')
    train(pairs.config(custom_hooks=[dict(type='PromptPanelsHook', interval=2, images=2)]), folder)
    return folder


def incontext(pairs: Project, tuned: Path, **options: object):
    """The config of an in-context tuning, of three classes, of the fine-tuned network."""
    weights = best_checkpoint(tuned / 'train/ckpt')
    given = {'model.mode': 'incontext', 'model.network.pretrained': str(weights)}
    given['custom_hooks'] = [dict(type='PromptFileHook')]
    given['default_hooks.checkpoint.save_best'] = 'mIoU_fg'
    cfg = load_config(pairs.recipe, ['datasets=mine'], dict(given, **options))
    cfg.run = ConfigDict(recipe='incontext', amp=False)
    return cfg


def panels(picture: np.ndarray) -> list[np.ndarray]:
    """The five panels (2S, S, 3) of a picture."""
    return [picture[:, STEP * index : STEP * index + SIDE] for index in range(5)]


def test_a_fine_tuning_is_judged_by_pairs(tuned):
    result = json.loads((tuned / 'train/result.json').read_text())
    assert {'PES', 'catch_rate', 'yield_rate'} <= result['scores'].keys()
    assert best_checkpoint(tuned / 'train/ckpt').name.startswith('best_mIoU_pos_iter_')
    losses = [row['loss'] for row in scalars(tuned) if 'loss' in row]
    assert len(losses) == 6
    assert all(np.isfinite(losses))


def scalars(folder: Path) -> list[dict]:
    (file,) = folder.glob('train/*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_pictures_of_training_and_validation_go_to_files_and_tensorboard(tuned):
    found = sorted(path.name for path in tuned.glob('train/*/vis_data/vis_image/*.png'))
    trained = [f'train_panels_{image}_{step}.png' for image in range(2) for step in (2, 4, 6)]
    assert found == sorted(
        [*trained, *(f'val_panels_{image}_{step}.png' for image in range(2) for step in (3, 6))]
    )
    for file in tuned.glob('train/*/vis_data/vis_image/*.png'):
        assert cv2.imread(str(file)).shape == (2 * SIDE, 5 * STEP - GAP, 3)
    events = b''.join(file.read_bytes() for file in tuned.glob('train/*/vis_data/events.*'))
    assert b'val_panels_1' in events


def test_pictures_leave_a_training_as_it_is(pairs, tuned, tmp_path):
    train(pairs.config(custom_hooks=[]), tmp_path)
    with_pictures, without = (
        [row['loss'] for row in scalars(each) if 'loss' in row] for each in (tuned, tmp_path)
    )
    assert with_pictures == without


def test_panels_show_what_their_names_say():
    model = build_segmentor(palette=dict(fixed=True)).eval()
    batch = make_samples(model, count=2)
    with torch.no_grad():
        canvas = model.paint_canvas(*batch)
        pictures = list(draw_panels(canvas, model.paint))
    assert len(pictures) == 2
    for index, picture in enumerate(pictures):
        assert picture.dtype == np.uint8
        images, seen, target, pasted, decoded = panels(picture)
        image = batch[1][index].prompt_img.data[:3].flip(0).permute(1, 2, 0).numpy()
        np.testing.assert_allclose(images[:SIDE].astype(int), image, atol=1)
        hidden = canvas.masked[index].reshape(8, 4).repeat_interleave(8, 0).repeat_interleave(8, 1).numpy()
        assert (seen[hidden] == 128).all()
        assert (seen[~hidden] == target[~hidden]).all()
        label = batch[1][index].gt_sem_seg.data[0].numpy()
        assert (target[SIDE:][label == 1] == 255).all()
        assert (target[SIDE:][label != 1] == 0).all()
        assert (pasted[~hidden] == target[~hidden]).all()
        painted = model.paint.colours_of(canvas.painted)[index].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(pasted[hidden].astype(float), painted[hidden], atol=0.6)
        nearest = np.where(painted.sum(2) > 1.5 * 255, 255, 0)
        assert (decoded == nearest[..., None]).all()


def test_the_picture_of_a_prediction_hides_the_query_alone():
    model = build_segmentor().eval()
    inputs, samples = make_samples(model, count=1, prompts=2, size=(48, 40))
    prompts = model.prompts_of(samples[0])
    with torch.no_grad():
        painted = model.answering.painted(inputs, prompts)
        canvas = asked_canvas(inputs, samples[0].gt_sem_seg.data, prompts, painted, model.paint)
    (picture,) = draw_panels(canvas, model.paint)
    images, seen, target, _, _ = panels(picture)
    assert (seen[SIDE:] == 128).all()
    assert (seen[:SIDE] == target[:SIDE]).all()
    assert set(np.unique(target)) == {0, 255}
    assert images[SIDE:].std() > 10


def test_in_context_tuning_leaves_a_small_file_that_answers_as_the_run_does(pairs, tuned, tmp_path):
    cfg = incontext(pairs, tuned)
    result = train(cfg, tmp_path)
    assert 'mIoU_fg' in result['scores']
    best = best_checkpoint(tmp_path / 'train/ckpt')
    prompts = Prompts.load(tmp_path / 'train/ckpt/prompt.safetensors')
    assert prompts.classes == ('background', 'blob1', 'blob2')
    weights = torch.load(best, weights_only=False)['state_dict']
    torch.testing.assert_close(prompts.images, weights['learnable.image'], rtol=1e-3, atol=1e-3)
    frozen = torch.load(best_checkpoint(tuned / 'train/ckpt'), weights_only=False)['state_dict']
    assert all(torch.equal(weights[name], value) for name, value in frozen.items())
    assert run_tool('test', tmp_path / 'train/config.py', best) == 0


def test_a_prompt_for_an_untrained_network_is_refused(pairs, tuned, tmp_path):
    cfg = incontext(pairs, tuned, **{'model.network.pretrained': None})
    with pytest.raises(UsageError, match=r'this one is untrained; --cfg-options model\.network\.pretrained='):
        train(cfg, tmp_path)


def test_a_model_is_tested_untrained_by_its_published_weights(pairs, tuned, tmp_path, capsys):
    weights = best_checkpoint(tuned / 'train/ckpt')
    options = ('--cfg-options', 'model.mode=zeroshot', f'model.network.pretrained={weights}')
    assert run_tool('test', pairs.recipe, '--work-dir', tmp_path, *options) == 0
    assert 'PES' in capsys.readouterr().out
    asked, trained = (
        json.loads(next(each.glob('*/result.json')).read_text())['scores'] for each in (tmp_path, tuned)
    )
    assert asked.keys() == trained.keys()
    assert run_tool('test', pairs.recipe, '--work-dir', tmp_path / 'none') == 2
    assert 'there are no weights to test; name a checkpoint' in capsys.readouterr().err


def test_a_zero_shot_training_and_pictures_of_another_model_are_refused(pairs, tmp_path, capsys):
    assert run_tool('train', pairs.recipe, '--work-dir', tmp_path, '--cfg-options', 'model.mode=zeroshot') == 2
    assert "the first batch fails: SegGPTSegmentor: mode='zeroshot' learns nothing" in capsys.readouterr().err
    with pytest.raises(UsageError, match='need interval >= 0'):
        PromptPanelsHook(interval=-1)

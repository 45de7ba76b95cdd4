"""The model in data/pocket_sdxl: the method shown on learnt attention, on blades that it was not trained on."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augment.config.presets import load_preset
from augment.config.settings import BlendSettings, EditSettings, InversionSettings
from augment.editing.editor import Editor
from augment.editing.targets import Target
from augment.pocket.folder import folder_bytes
from augment.pocket.measure import draw
from augment.quality.similarity import psnr
from augment.regions.region import edit_region
from augment.sdxl.loader import ModelSource, load_factor, load_pipeline, native_size
from augment.sdxl.source import POCKET_FOLDER

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ModelSource('pocket', offline=True)
BLADE = 2**20  # the training's blades are numbered from 0


@pytest.fixture(scope='module')
def pocket():
    """The pipeline."""
    return load_pipeline(SOURCE)


@pytest.fixture(scope='module')
def windows():
    """Three windows that show a defect and no word."""
    from mmseg_ext.rendering.windows import draw_windows

    drawn = (window for blade in range(BLADE, BLADE + 40) for window in draw_windows((0, blade), 128))
    plain = (each for each in drawn if each.word is None and each.label.any())
    return [next(plain) for _ in range(3)]


def orange(image, region=slice(None)):
    """The share of pixels that are the colour of rust."""
    red, _, blue = np.moveaxis(image.astype(int)[region], -1, 0)
    return (red - blue > 60).mean()


def test_it_is_small_and_says_what_it_can_do():
    assert folder_bytes(POCKET_FOLDER) <= 14_000_000
    assert (load_factor(SOURCE), SOURCE.kind) == (4, 'folder')
    card = (POCKET_FOLDER / 'README.md').read_text(encoding='utf-8')
    for said in ('## How it was trained', 'commit', 'seed', '## Measured', '| aim |', '## What it cannot'):
        assert said in card


def test_it_is_loaded_as_any_other(pocket):
    assert native_size(pocket) == 128
    assert pocket.vae_scale_factor == 4
    assert pocket.tokenizer.pad_token != pocket.tokenizer_2.pad_token


def test_words_are_drawn(pocket):
    prompts = ['photo of a crack', 'photo of a crack with rust', 'photo of a crack with blistering']
    plain, rust, blistering = draw(pocket, prompts, steps=15)
    assert orange(rust) > 0.02 > 0.002 > max(orange(plain), orange(blistering))


def reconstructed(pocket, image, method):
    """What guidance 7.5 leads back to from the noise of ``method``, not held on its path."""
    blend, inversion = BlendSettings(by='none'), InversionSettings(method, pin_source=False)
    settings = EditSettings(guidance=7.5, steps=8, inversion=inversion, blend=blend)
    editor = Editor(pocket, settings)
    same = [Target('', settings.source_prompt, {})]
    [[found]] = editor.edit(editor.invert([image]), same)
    return psnr(image, found.source_image)


def test_null_text_leads_back_where_ddim_does_not(pocket, windows):
    image = windows[0].image
    assert reconstructed(pocket, image, 'null-text') > reconstructed(pocket, image, 'ddim') + 2


def test_an_edit_shows_the_word_in_the_region_and_leaves_the_rest(pocket, windows):
    preset = replace(load_preset('pocket'), steps=8)
    editor, regions = Editor(pocket, preset), [edit_region(window.label, preset.blend.halo) for window in windows]
    images = [window.image for window in windows]
    results = editor.edit(editor.invert(images), ['rust'], regions)
    for image, region, (found,) in zip(images, regions, results, strict=True):
        assert orange(found.image, region) > orange(image, region) + 0.1
        assert psnr(image, found.image, ~region) > 26


def test_the_command_edits_a_rendered_blade(tmp_path, windows):
    from mmseg_ext.files import write_json

    for folder, picture in (('img_dir', windows[0].image), ('ann_dir', windows[0].label)):
        (tmp_path / 'blades' / folder / 'train').mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / 'blades' / folder / 'train/one.png')
    write_json(tmp_path / 'blades/meta.json', dict(classes=['background', 'attached', 'broken']))
    words = ('--word', 'rust', '--data', 'blades', '--model', 'pocket', '--steps', '8')
    command = [sys.executable, str(ROOT / 'augment/p2p_edit.py'), *words, '--gates', 'report']
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert 'pocket: a small model that knows rendered blades and six words' in run.stderr
    assert 'hours' not in run.stderr
    assert '1 ok' in run.stdout
    edited = np.asarray(Image.open(tmp_path / 'blades_rust/img_dir/train/one__rust.png'))
    assert orange(edited) > orange(windows[0].image) + 0.01
    settings = json.loads((tmp_path / 'blades_rust/run.json').read_text())['settings']
    assert settings['guidance'] == load_preset('pocket').guidance  # the model's own

"""The edit of one photograph with the tiny model: every way to bound it, several windows, kept inversions."""

import os
from pathlib import Path

import numpy as np
import pytest
from defect_labels import discs, noise
from PIL import Image

from augment.config.settings import BlendSettings, CropSettings, EditSettings, InversionSettings
from augment.editing.cache import InversionCache
from augment.editing.editor import Editor
from augment.editing.photo import Photo, edit_photo
from augment.editing.runtime import Runtime
from augment.regions.region import edit_region
from augment.regions.windows import Window

ROOT = Path(os.environ.get('MMSEG_EXT_DATA', 'data')) / 'magnetic_tile'


def editor_of(pipe, batch=1, method='npi', smallest=48, crop='defect', **blend) -> Editor:
    """Four steps of the tiny model, 128 pixel canvases."""
    settings = EditSettings(
        steps=4,
        guidance=3,
        inversion=InversionSettings(method=method, inner_steps=2),
        blend=BlendSettings(**{'halo': 10, 'feather': 4, **blend}),
        crop=CropSettings(mode=crop, smallest=smallest),
    )
    return Editor(pipe, settings, Runtime(batch=batch))


@pytest.mark.parametrize('crop', ['defect', 'none'])
@pytest.mark.parametrize('by', ['label', 'attention', 'label+attention', 'none'])
def test_every_bound_leaves_the_bytes_outside(pipe, by, crop):
    photograph, label = discs((97, 131), [(40, 70)])
    editor = editor_of(pipe, by=by, crop=crop)
    for edited in edit_photo(editor, Photo('tile', photograph, label), ['rust', 'peeling']):
        outside = ~edited.region
        assert edited.image[outside].tobytes() == photograph[outside].tobytes()
        assert (edited.image != photograph).any()
        assert edited.windows == [Window(16, 46, 48, 48) if crop == 'defect' else Window(0, 0, 97, 131)]
        assert (edited.attention is not None) == ('attention' in by)
        if by == 'label':
            np.testing.assert_array_equal(edited.region, edit_region(label, 10))


@pytest.mark.parametrize('by', ['attention', 'none'])
def test_without_a_label_the_whole_frame_is_edited(pipe, by):
    photograph, _ = discs((97, 131), [(40, 70)])
    edited = edit_photo(editor_of(pipe, by=by), Photo('tile', photograph), ['rust'])[0]
    assert edited.windows == [Window(0, 0, 97, 131)]
    outside = ~edited.region
    assert edited.image[outside].tobytes() == photograph[outside].tobytes()
    assert by == 'attention' or edited.region.all()


def test_a_long_window_has_a_long_canvas(pipe):
    photograph, label = discs((80, 240), [(40, 70)])
    editor = editor_of(pipe, by='label+attention', crop='none')
    seen = []
    inverted = editor.invert

    def invert(images, **rest):
        seen.extend(image.shape for image in images)
        return inverted(images, **rest)

    editor.invert = invert
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert seen == [(64, 192, 3)]
    assert edited.image[~edited.region].tobytes() == photograph[~edited.region].tobytes()


CENTRES = [(40, 50), (40, 250), (200, 60)]


def test_windows_do_not_influence_one_another(pipe):
    photograph, label = discs((261, 311), CENTRES)
    editor = editor_of(pipe)
    together = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert len(together.windows) == 3
    for row, column in CENTRES:
        alone = np.where(np.hypot(*(np.indices(label.shape).T - (row, column)).T) < 9, label, 0).astype(np.uint8)
        single = edit_photo(editor, Photo('tile', photograph, alone), ['rust'])[0]
        assert set(single.windows) < set(together.windows)
        np.testing.assert_array_equal(single.image[single.region], together.image[single.region])
    changed = (together.image != photograph).any(-1)
    assert all(changed[window.slices].any() for window in together.windows)


def test_batches_change_nothing_beyond_rounding(pipe):
    photograph, label = discs((261, 311), CENTRES)
    photo = Photo('tile', photograph, label)
    one, three = (edit_photo(editor_of(pipe, batch=size), photo, ['rust'])[0] for size in (1, 3))
    assert one.windows == three.windows
    assert np.abs(one.image.astype(int) - three.image).max() <= 2


def test_null_text_says_how_far_it_is_and_how_each_window_went(pipe):
    photograph, label = discs((261, 311), CENTRES[:2])
    photo, editor, reports = Photo('tile', photograph, label), editor_of(pipe, method='null-text'), []
    edited = edit_photo(editor, photo, ['rust'], lambda *report: reports.append(report))[0]
    assert [len(losses) for losses in edited.losses] == [4, 4]
    assert all(step.best <= step.start for losses in edited.losses for step in losses)
    assert len(edited.stats['windows']) == 2
    assert {stage for stage, _, _ in reports} == {'invert', 'optimise', 'edit'}
    for stage in ('invert', 'optimise', 'edit'):
        done = [report[1] for report in reports if report[0] == stage]
        assert done == sorted(done)
        assert done[-1] == next(report[2] for report in reports if report[0] == stage)


def test_the_reconstruction_shows_the_windows_as_the_model_draws_them(pipe):
    photograph, label = discs((97, 131), [(40, 70)])
    editor = editor_of(pipe)
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    shown = np.zeros(label.shape, bool)
    shown[edited.windows[0].slices] = True
    assert edited.reconstruction[~shown].tobytes() == photograph[~shown].tobytes()
    assert (edited.reconstruction[shown] != photograph[shown]).mean() > 0.5


def test_the_same_edit_twice_is_the_same_and_the_kept_inversion_makes_it(pipe, tmp_path):
    photograph, label = discs((97, 131), [(40, 70)])
    photo, editor = Photo('tile', photograph, label), editor_of(pipe, method='null-text')
    cache = InversionCache(tmp_path, {'name': 'tiny'})
    plain = edit_photo(editor, photo, ['rust'])[0]
    first = edit_photo(editor, photo, ['rust'], cache=cache)[0]
    assert len(list(tmp_path.iterdir())) == 1
    editor.invert = None  # not to be called again
    second = edit_photo(editor, photo, ['rust'], cache=cache)[0]
    for each in (first, second):
        np.testing.assert_array_equal(each.image, plain.image)
        assert each.losses == plain.losses


def test_one_pixel_and_a_strip(pipe):
    for shape in ((1, 1), (3, 200)):
        photograph = noise(shape)
        label = np.zeros(shape, np.uint8)
        label[0, 0] = 1
        edited = edit_photo(editor_of(pipe, halo=4), Photo('tile', photograph, label), ['rust'])[0]
        assert edited.image.shape == photograph.shape
        assert edited.image[~edited.region].tobytes() == photograph[~edited.region].tobytes()


@pytest.mark.skipif(not ROOT.is_dir(), reason='needs the magnetic tiles (MMSEG_EXT_DATA)')
def test_a_magnetic_tile(pipe):
    path = min((ROOT / 'ann_dir/train').glob('crack*.png'))
    label = np.array(Image.open(path))
    image = next((ROOT / 'img_dir/train').glob(f'{path.stem}.*'))
    photograph = np.array(Image.open(image).convert('RGB'))
    editor = editor_of(pipe, by='label+attention')
    for edited in edit_photo(editor, Photo(path.stem, photograph, label), ['rust', 'scratch']):
        assert edited.image[~edited.region].tobytes() == photograph[~edited.region].tobytes()
        assert edited.region[(label > 0) & (label < 255)].all()
        assert (edited.image != photograph).any(-1)[edited.region].mean() > 0.5

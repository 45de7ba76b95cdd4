"""The edit of one photograph around a model that draws whatever is asked: places, batches, bytes outside."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from defect_labels import discs, label_with, labels, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.config.settings import BlendSettings, CropSettings, EditSettings
from augment.editing.photo import Photo, edit_photo
from augment.editing.runtime import Runtime
from augment.editing.targets import Target, completed
from augment.errors import DataError
from augment.regions.region import defects, edit_region
from augment.regions.windows import Window

COLUMNS = np.arange(120)[None]


@dataclass
class Draughtsman:
    """Stands in for the editor: draws ``draw(image, word)``, and attends to the upper half of every canvas."""

    settings: EditSettings
    runtime: Runtime
    draw: Any
    stalling: tuple[int, ...] = ()
    seen: list[list[np.ndarray]] = field(default_factory=list)
    regions: list[Any] = field(default_factory=list)

    def invert(self, images, prompts=None, progress=None):
        first = sum(map(len, self.seen))
        self.seen.append(list(images))
        _tell(progress, 'inversion')
        return [
            SimpleNamespace(image=image, losses=[first + k], stalled=first + k in self.stalling)
            for k, image in enumerate(images)
        ]

    def edit(self, inversions, targets, regions=None, prompts=None, progress=None):
        self.regions.append(regions)
        _tell(progress, 'edit')
        return [[self._result(inversion.image, target) for target in targets] for inversion in inversions]

    def _result(self, image, target):
        target = completed(target, self.settings)
        mask = None
        if 'attention' in self.settings.blend.by:
            mask = np.zeros(image.shape[:2], bool)
            mask[: len(mask) // 2] = True
        drawn = self.draw(image, target.word)
        return SimpleNamespace(
            image=drawn, mask=mask, source_image=image, target=target, stats={'word': target.word}
        )


def _tell(progress, stage):
    for done in range(1, 4):
        if progress:
            progress(stage, done, 3)


def something(image: np.ndarray, word: str) -> np.ndarray:
    """Noise of the image's size, another for words of another length."""
    return noise(image.shape[:2], seed=len(word))


def draughtsman(draw=something, batch=1, stalling=(), **parts) -> Draughtsman:
    """A stand-in of 64 pixel canvases."""
    parts.setdefault('crop', CropSettings(resolution=64, smallest=24))
    return Draughtsman(EditSettings(**parts), Runtime(batch=batch), draw, stalling)


def inside(windows, shape) -> np.ndarray:
    covered = np.zeros(shape, bool)
    for window in windows:
        covered[window.slices] = True
    return covered


@settings(deadline=None, max_examples=150)
@given(
    labels(longest=120),
    st.sampled_from(['label', 'attention', 'label+attention', 'none']),
    st.sampled_from(['defect', 'none']),
    st.booleans(),
    st.integers(0, 12),
    st.booleans(),
    st.integers(1, 3),
)
def test_outside_its_region_an_edit_is_the_photograph(label, by, crop, composite, halo, with_label, batch):
    photograph = noise(label.shape, seed=1)
    editor = draughtsman(
        batch=batch,
        blend=BlendSettings(by=by, halo=halo, feather=halo // 2, composite=composite),
        crop=CropSettings(mode=crop, resolution=64, smallest=24),
    )
    photo = Photo('tile', photograph, label if with_label else None)
    if 'label' in by and not with_label:
        with pytest.raises(DataError, match='tile: no label'):
            edit_photo(editor, photo, ['rust'])
        return
    for edited in edit_photo(editor, photo, ['rust', 'dent']):
        np.testing.assert_array_equal(edited.image[~edited.region], photograph[~edited.region])
        shown = inside(edited.windows, label.shape)
        np.testing.assert_array_equal(edited.reconstruction[~shown], photograph[~shown])
        assert not edited.region[~shown].any()
        if not composite or by == 'none':
            np.testing.assert_array_equal(edited.region, shown)
        elif by == 'label':
            np.testing.assert_array_equal(edited.region, edit_region(label, halo))
        elif by == 'attention':
            np.testing.assert_array_equal(edited.region, edited.attention)
        else:
            np.testing.assert_array_equal(edited.region, edit_region(label, halo) | edited.attention)
        if crop == 'none' or not with_label:
            assert edited.windows == [Window(0, 0, *label.shape)]


@settings(deadline=None)
@given(labels(longest=120), st.sampled_from(['defect', 'none']))
def test_defects_are_drawn_by_the_model_alone(label, crop):
    photograph = np.zeros((*label.shape, 3), np.uint8)
    editor = draughtsman(
        draw=lambda image, word: np.full_like(image, 200), crop=CropSettings(mode=crop, resolution=64, smallest=24)
    )
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert (edited.image[defects(label)] == 200).all()
    border = edited.region & ~defects(label)
    assert (edited.image[border] > 0).all()


def test_the_ramp_lies_inside_the_region():
    label = label_with((61, 61), (0, 30, 61, 1))
    editor = draughtsman(draw=lambda image, word: np.full_like(image, 240), blend=BlendSettings(halo=8, feather=4))
    edited = edit_photo(editor, Photo('tile', np.zeros((61, 61, 3), np.uint8), label), ['rust'])[0]
    assert edited.image[30, 20:42, 0].tolist() == [0, 0, 60, 120, 180, *[240] * 11, 180, 120, 60, 0, 0, 0]


def test_without_compositing_the_windows_are_replaced_whole():
    photograph, label = discs((97, 131), [(40, 60)])
    editor = draughtsman(draw=lambda image, word: np.full_like(image, 240), blend=BlendSettings(composite=False))
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert edited.windows == [Window(19, 39, 43, 43)]
    assert (edited.image[edited.windows[0].slices] == 240).all()


def test_what_is_drawn_at_a_defect_arrives_there():
    photograph, label = discs((97, 131), [(15, 20), (80, 110)])
    editor = draughtsman(draw=lambda image, word: np.where(image < 60, 255, image).astype(np.uint8))
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert len(edited.windows) == 2
    bright = (edited.image > 200).all(-1)
    for near in (np.s_[:48], np.s_[48:]):
        drawn, labelled = np.argwhere(bright[near]), np.argwhere(label[near])
        np.testing.assert_allclose(drawn.mean(0), labelled.mean(0), atol=0.2)
        assert 0.8 < len(drawn) / len(labelled) < 1.2


def test_an_edit_that_changes_nothing_is_the_photograph():
    photograph, label = noise((97, 131)), label_with((97, 131), (50, 50, 3, 3))
    editor = draughtsman(draw=lambda image, word: image, crop=CropSettings(resolution=64, smallest=64))
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert [(window.height, window.width) for window in edited.windows] == [(64, 64)]
    np.testing.assert_array_equal(edited.image, photograph)
    np.testing.assert_array_equal(edited.reconstruction, photograph)


def test_the_reconstruction_is_the_source_and_not_the_edit():
    photograph, label = noise((97, 131)), label_with((97, 131), (50, 50, 3, 3))
    editor = draughtsman(crop=CropSettings(resolution=64, smallest=64))
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'])[0]
    assert (edited.image != photograph).any()
    np.testing.assert_array_equal(edited.reconstruction, photograph)


def test_regions_go_to_the_model_on_its_canvas():
    photograph, label = discs((97, 131), [(15, 20), (80, 110)])
    photo = Photo('tile', photograph, label)
    editor = draughtsman(
        batch=2, blend=BlendSettings(halo=0, feather=0), crop=CropSettings(resolution=128, smallest=40)
    )
    edit_photo(editor, photo, ['rust'])
    for images, regions in zip(editor.seen, editor.regions, strict=True):
        for image, region in zip(images, regions, strict=True):
            assert region.shape == image.shape[:2]
            assert region.dtype == bool
            assert 0.02 < region.mean() < 0.1
            assert ((image.max(-1) < 80) == region).mean() > 0.99
    unbounded = draughtsman(blend=BlendSettings(by='attention'))
    edit_photo(unbounded, photo, ['rust'])
    assert unbounded.regions == [None, None]


FIVE = [(20, 20), (20, 280), (150, 150), (280, 20), (280, 280)]


@pytest.mark.parametrize(('batch', 'sizes'), [(1, [1] * 5), (2, [2, 2, 1]), (8, [5])])
def test_windows_go_through_in_batches(batch, sizes):
    photograph, label = discs((301, 303), FIVE)
    editor = draughtsman(batch=batch)
    reports = []
    edited = edit_photo(editor, Photo('tile', photograph, label), ['rust'], lambda *report: reports.append(report))
    assert [len(images) for images in editor.seen] == sizes
    assert len(edited[0].windows) == 5
    assert edited[0].windows == sorted(edited[0].windows)
    assert edited[0].losses == [[0], [1], [2], [3], [4]]
    total = 3 * len(sizes)
    for stage in ('inversion', 'edit'):
        assert [report[1:] for report in reports if report[0] == stage] == [
            (k, total) for k in range(1, total + 1)
        ]


def test_only_windows_of_one_canvas_share_a_batch():
    label = label_with((100, 400), (45, 30, 10, 10), (50, 150, 10, 160))
    editor = draughtsman(batch=4, crop=CropSettings(resolution=128, smallest=24, context=1.5))
    edited = edit_photo(editor, Photo('tile', noise((100, 400)), label), ['rust'])[0]
    assert edited.windows == [Window(0, 110, 100, 240), Window(29, 14, 42, 42)]
    assert [[image.shape for image in images] for images in editor.seen] == [[(64, 192, 3)], [(128, 128, 3)]]
    assert edited.losses == [[0], [1]]


def test_words_come_in_their_order_with_their_prompts():
    photograph, label = discs((97, 131), [(40, 60)])
    words = ['rust', Target('dent', prompt='a dent in steel')]
    edited = edit_photo(draughtsman(stalling=(0,)), Photo('tile', photograph, label), words)
    assert [each.word for each in edited] == ['rust', 'dent']
    assert [each.target_prompt for each in edited] == ['photo of a crack with rust', 'a dent in steel']
    assert [each.stats for each in edited] == [{'windows': [{'word': 'rust'}]}, {'windows': [{'word': 'dent'}]}]
    assert all(each.stalled for each in edited)


def test_one_stalled_window_is_enough():
    photograph, label = discs((301, 303), FIVE)
    photo = Photo('tile', photograph, label)
    assert edit_photo(draughtsman(stalling=(3,)), photo, ['rust'])[0].stalled
    assert not edit_photo(draughtsman(), photo, ['rust'])[0].stalled


@pytest.mark.parametrize(
    ('by', 'crop', 'fails'),
    [
        ('label', 'defect', True),
        ('label', 'none', True),
        ('attention', 'defect', True),
        ('attention', 'none', False),
    ],
)
def test_a_label_without_defects(by, crop, fails):
    label = label_with((40, 50), (3, 3, 9, 9), value=255)
    editor = draughtsman(blend=BlendSettings(by=by), crop=CropSettings(mode=crop, resolution=64))
    photo = Photo('tile', noise((40, 50)), label)
    if fails:
        with pytest.raises(DataError, match='tile: its label shows no defect'):
            edit_photo(editor, photo, ['rust'])
    else:
        assert len(edit_photo(editor, photo, ['rust'])) == 1


@pytest.mark.parametrize(
    ('image', 'label', 'message'),
    [
        (np.zeros((4, 5), np.uint8), None, r'tile: uint8 \(4, 5\) is no 8-bit RGB'),
        (np.zeros((4, 5, 4), np.uint8), None, 'no 8-bit RGB'),
        (np.zeros((4, 5, 3)), None, 'float64'),
        (noise((4, 5)), np.zeros((4, 6), np.uint8), 'differ in size: 6 x 4 and 5 x 4'),
        (noise((4, 5)), np.zeros((4, 5), int), 'no 8-bit index mask'),
        (noise((4, 5)), noise((4, 5)), 'no 8-bit index mask'),
    ],
)
def test_arrays_that_are_no_photograph(image, label, message):
    with pytest.raises(DataError, match=message):
        Photo('tile', image, label)


def test_where_windows_overlap_each_gives_the_pixels_of_its_own_defects():
    """Two defects 20 pixels apart, in windows of 40 that overlap; each is drawn in a grey of its own."""
    label = label_with((60, 120), (28, 38, 4, 4), (28, 58, 4, 4))
    greys = iter((50, 200))
    editor = draughtsman(
        lambda image, _: np.full_like(image, next(greys)),
        blend=BlendSettings(halo=6, feather=0),
        crop=CropSettings(resolution=64, smallest=40),
    )
    photograph = np.full((60, 120, 3), 100, np.uint8)
    (edited,) = edit_photo(editor, Photo('tile', photograph, label), ['rust'])
    first, second = edited.windows
    assert first.overlaps(second)
    left, right = (edit_region(np.where(half, label, 0), 6) for half in (COLUMNS < 50, COLUMNS >= 50))
    expected = np.full((60, 120), 100)
    expected[left], expected[right] = 50, 200
    np.testing.assert_array_equal(edited.image[..., 0], expected)
    # and the model may change in each view what it gives, not what its neighbour gives
    views = [regions[0] for regions in editor.regions]
    for view, window, own, other in zip(views, edited.windows, (left, right), (right, left), strict=True):
        assert other[window.slices].any()
        assert view.mean() == pytest.approx(own[window.slices].mean(), abs=0.02)

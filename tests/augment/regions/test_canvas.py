"""From windows to canvases and back: sizes by hand, labels without loss, images in place."""

import cv2
import numpy as np
import pytest
from defect_labels import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.regions.geometry import Canvas
from augment.regions.windows import Window

WINDOWS = st.builds(Window, st.integers(0, 9), st.integers(0, 9), st.integers(1, 90), st.integers(1, 90))
SIDES = st.sampled_from([64, 128, 192])


@pytest.mark.parametrize(
    ('size', 'canvas', 'content'),
    [
        ((128, 128), (1024, 1024), (0, 0, 1024, 1024)),
        ((2048, 2048), (1024, 1024), (0, 0, 1024, 1024)),
        # 4:3: 1024 √(3/4) = 886.8 -> 896, 1024 √(4/3) = 1182.4 -> 1152; scale 1152 / 640 = 1.8
        ((480, 640), (896, 1152), (16, 0, 864, 1152)),
        # 8:1 is more than the model was trained on: 4:1, scale 2048 / 800 = 2.56
        ((100, 800), (512, 2048), (128, 0, 256, 2048)),
        ((800, 100), (2048, 512), (0, 128, 2048, 256)),
    ],
)
def test_canvas_by_hand(size, canvas, content):
    made = Canvas.of(Window(3, 5, *size), 1024)
    assert made.shape == canvas
    assert made.content == Window(*content)


@settings(deadline=None)
@given(WINDOWS, st.sampled_from([512, 1024]))
def test_canvases_have_sides_the_model_knows_and_about_its_number_of_pixels(window, side):
    canvas = Canvas.of(window, side)
    assert canvas.height % 64 == canvas.width % 64 == 0
    assert max(canvas.shape) <= 4.5 * min(canvas.shape)
    assert 0.8 * side**2 <= canvas.height * canvas.width <= 1.25 * side**2
    if window.height == window.width:
        assert canvas.shape == (side, side)


def test_labels_by_hand():
    label = np.array([[9, 9, 9, 9], [9, 1, 2, 3], [9, 4, 5, 6]], np.uint8)
    canvas = Canvas(Window(1, 1, 2, 3), 8, 6)  # twice as large, two rows free above and below
    assert canvas.content == Window(2, 0, 4, 6)
    above, below = [1, 1, 2, 2, 3, 3], [4, 4, 5, 5, 6, 6]
    drawn = canvas.forward_labels(label)
    assert drawn.tolist() == [above] * 4 + [below] * 4
    assert drawn.dtype == np.uint8
    assert canvas.inverse_labels(drawn).tolist() == [[1, 2, 3], [4, 5, 6]]


@settings(deadline=None)
@given(WINDOWS, SIDES, st.integers(0, 9))
def test_labels_keep_their_values_and_survive_being_enlarged(window, side, seed):
    label = np.random.default_rng(seed).choice(np.array([0, 7, 255], np.uint8), (100, 100))
    canvas = Canvas.of(window, side)
    drawn = canvas.forward_labels(label)
    assert drawn.shape == canvas.shape
    assert set(np.unique(drawn)) <= {0, 7, 255}
    back = canvas.inverse_labels(drawn)
    assert back.shape == (window.height, window.width)
    if canvas.content.height >= window.height and canvas.content.width >= window.width:
        np.testing.assert_array_equal(back, label[window.slices])


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_the_nearest_pixel_is_that_of_opencv(source, length):
    line = np.arange(source, dtype=np.uint8)[None]
    expected = cv2.resize(line, (length, 1), interpolation=cv2.INTER_NEAREST_EXACT)[0]
    canvas = Canvas(Window(0, 0, length, length), source, source)
    drawn = canvas.inverse_labels(np.tile(line, (source, 1)))[0]
    exact = (
        (np.arange(length) + 0.5) * source / length
    ) % 1 > 1e-6  # on the border between two, either is nearest
    np.testing.assert_array_equal(drawn[exact], expected[exact])


def test_regions_stay_bool():
    canvas = Canvas.of(Window(0, 0, 30, 50), 64)
    assert canvas.forward_labels(np.ones((30, 50), bool)).dtype == bool


def test_a_window_of_the_canvas_size_goes_through_unchanged():
    photograph = noise((80, 90))
    canvas = Canvas.of(Window(3, 4, 64, 64), 64)
    np.testing.assert_array_equal(canvas.forward_image(photograph), photograph[3:67, 4:68])
    np.testing.assert_array_equal(canvas.inverse_image(photograph[3:67, 4:68]), photograph[3:67, 4:68])


def test_what_the_window_leaves_free_repeats_its_border():
    photograph = noise((40, 40))
    canvas = Canvas(Window(2, 3, 32, 16), 64, 64)
    drawn = canvas.forward_image(photograph)
    assert canvas.content == Window(0, 16, 64, 32)
    assert (drawn[:, :16] == drawn[:, 16:17]).all()
    assert (drawn[:, 48:] == drawn[:, 47:48]).all()


@settings(deadline=None)
@given(WINDOWS.filter(lambda w: min(w.height, w.width) >= 8), SIDES)
def test_smooth_images_come_back_and_images_and_labels_agree_on_the_place(window, side):
    rows, columns = np.mgrid[:100, :100]
    photograph = np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8)
    canvas = Canvas.of(window, side)
    drawn = canvas.forward_image(photograph)
    assert drawn.shape == (*canvas.shape, 3)
    assert drawn.dtype == np.uint8
    # the nearest label is at most half a pixel of the coarser grid away, at borders a cubic adds another
    scale = canvas.content.height / window.height
    slack = 2 + 1 / scale
    assert np.abs(drawn[..., 0].astype(int) - canvas.forward_labels(rows)).max() <= slack
    assert np.abs(drawn[..., 1].astype(int) - canvas.forward_labels(columns)).max() <= slack
    back = canvas.inverse_image(drawn).astype(int)
    assert np.abs(back - photograph[window.slices]).max() <= slack


def test_a_step_is_where_it_was():
    photograph = np.zeros((64, 64, 3), np.uint8)
    photograph[:, 32:] = 200
    canvas = Canvas.of(Window(0, 0, 64, 64), 512)
    bright = canvas.forward_image(photograph)[..., 0] > 100
    np.testing.assert_array_equal(bright, canvas.forward_labels(photograph[..., 0]) > 100)
    np.testing.assert_array_equal(
        canvas.inverse_image(canvas.forward_image(photograph))[..., 0] > 100, photograph[..., 0] > 100
    )

"""The folder a reviewer gets: complete, right, and a picture that shows both labels on any ground."""

import json

import numpy as np
import pytest
from defect_labels import noise
from PIL import Image

from augment.labels.overlay import DARK, NOT_SCORED, OLD, outlined, overlay
from augment.labels.review import write_coco, write_review
from augment.labels.views import View, close_ups, whole

CLASSES, PALETTE = ('background', 'attached', 'broken'), ((0, 0, 0), (220, 20, 60), (10, 10, 80))


def square(value: int = 1, top: int = 20, left: int = 30) -> np.ndarray:
    """A label of 60 x 90 with a square of 8 pixels."""
    label = np.zeros((60, 90), np.uint8)
    label[top : top + 8, left : left + 8] = value
    return label


def lines(view: View, ground: int, label: np.ndarray, old: np.ndarray) -> np.ndarray:
    """The outlines on a plain ground."""
    return outlined(view, np.full((*label.shape, 3), ground, np.uint8), label, old, PALETTE)


def has(picture: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    """Where the picture has exactly this colour."""
    return (picture == colour).all(-1)


@pytest.mark.parametrize('ground', [0, 128, 255])
@pytest.mark.parametrize(
    ('value', 'colour', 'edge'), [(1, PALETTE[1], DARK), (2, PALETTE[2], OLD), (255, NOT_SCORED, DARK)]
)
def test_a_label_is_outlined_in_its_colour_with_an_edge_of_the_other_brightness(ground, value, colour, edge):
    label, nothing = square(value), np.zeros((60, 90), np.uint8)
    view = View(slice(0, 60), slice(0, 90), 2)
    picture = lines(view, ground, label, nothing)
    rows, columns = np.nonzero(has(picture, colour))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40 - 3, 55 + 3, 60 - 3, 75 + 3)
    assert (picture[40:56, 60:76] == ground).all(), 'what is labelled stays free'
    assert (picture[:36] == ground).all()
    assert (picture[36, 60] == edge).all()


def test_the_old_label_is_dashed_and_lies_on_top():
    view = View(slice(0, 60), slice(0, 90), 4)
    picture = lines(view, 128, square(), square())
    white, red = has(picture, OLD), has(picture, PALETTE[1])
    assert 0.3 < white.sum() / (white | red).sum() < 0.7
    only_old = lines(view, 128, np.zeros((60, 90), np.uint8), square())
    assert not has(only_old, PALETTE[1]).any()
    np.testing.assert_array_equal(has(only_old, OLD), white)


def test_a_defect_of_one_pixel_is_seen_in_a_huge_photograph():
    label = np.zeros((3000, 5000), np.uint8)
    label[1234, 4321] = 1
    view = whole(label.shape)
    assert max(view.of_mask(label > 0).shape) == 512
    assert view.of_mask(label > 0).any()
    (close,) = close_ups(label, label)
    assert close.of_mask(label > 0).sum() == close.zoom**2 == 64
    assert close.of(label[..., None].repeat(3, 2)).shape == (384, 384, 3)


def test_small_photographs_are_enlarged_by_whole_pixels():
    assert whole((60, 90)).zoom == 5
    image = noise((60, 90))
    np.testing.assert_array_equal(whole((60, 90)).of(image), image.repeat(5, 0).repeat(5, 1))


def test_close_ups_show_every_place_the_most_changed_first():
    label, old = square() + square(2, 45, 70), square() + square(2, 44, 70)
    first, second = close_ups(label, old)
    assert first.rows.start <= 44 < 53 <= first.rows.stop
    assert first.columns.start <= 70 < 78 <= first.columns.stop
    assert second.rows.start <= 20 < 28 <= second.rows.stop
    assert second.columns.stop <= 90
    assert close_ups(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8)) == []


def test_the_picture_grows_with_what_it_has_to_show():
    image, label = noise((60, 90)), square()
    alone = overlay(image, label, CLASSES, PALETTE)
    beside = overlay(image, label, CLASSES, PALETTE, original=image)
    assert alone.dtype == beside.dtype == np.uint8
    assert beside.shape[1] > 1.4 * alone.shape[1]
    assert overlay(image, np.zeros_like(label), CLASSES, PALETTE, old_label=np.zeros_like(label)).shape[0] < 400
    many = np.zeros((400, 400), np.uint8)
    many[20::60, 20::60] = 1
    assert overlay(np.zeros((400, 400, 3), np.uint8), many, CLASSES, PALETTE).shape[0] < 4200, 'eight of 49 places'


@pytest.mark.parametrize('shape', [(1, 1), (1, 40), (700, 3)])
def test_photographs_of_any_size(shape):
    label = np.zeros(shape, np.uint8)
    label[-1, -1] = 1
    picture = overlay(noise(shape), label, CLASSES, PALETTE, original=noise(shape), old_label=label)
    assert has(picture, PALETTE[1]).any()


def test_the_folder_is_complete(tmp_path):
    image, label = noise((60, 90)), square()
    label[0, 0] = 255
    for stem in ('b__rust', 'deep/a__rust'):
        write_review(tmp_path, stem, image, label, CLASSES, PALETTE, original=image, old_label=square(2))
        np.testing.assert_array_equal(np.array(Image.open(tmp_path / f'masks/{stem}.png')), label)
        np.testing.assert_array_equal(np.array(Image.open(tmp_path / f'images/{stem}.png')), image)
        assert Image.open(tmp_path / f'overlays/{stem}.png').mode == 'RGB'
        content = json.loads((tmp_path / f'labelme/{stem}.json').read_text())
        linked = (tmp_path / f'labelme/{stem}.json').parent / content['imagePath']
        assert linked.resolve() == (tmp_path / f'images/{stem}.png').resolve()
    assert (tmp_path / 'labels.txt').read_text().splitlines() == ['__ignore__', *CLASSES]
    assert 'import_labels.py' in (tmp_path / 'README.txt').read_text()
    assert not list(tmp_path.rglob('.*'))


def test_one_coco_file_for_all_that_is_there(tmp_path):
    for stem, label in (('b', square()), ('a', square(2)), ('b', square(2))):
        write_review(tmp_path, stem, noise((60, 90)), label, CLASSES, PALETTE)
    content = json.loads((tmp_path / 'coco.json').read_text())
    assert [image['file_name'] for image in content['images']] == ['a.png', 'b.png']
    assert [annotation['category_id'] for annotation in content['annotations']] == [2, 2], 'b was replaced'
    (tmp_path / 'coco/a.json').unlink()
    write_coco(tmp_path)
    assert len(json.loads((tmp_path / 'coco.json').read_text())['images']) == 1

"""Overlays show every class in its colour and hide no pixel of a small defect."""

import cv2
import numpy as np
import pytest

from mmseg_ext.engine.results import worst_rows
from mmseg_ext.errors import DataError
from mmseg_ext.reports.overlays import (
    CAPTION,
    comparison,
    legend,
    overlay,
    read_image,
    reduced,
    sheet,
    write_image,
)

PALETTE = [[0, 0, 0], [255, 0, 0], [0, 255, 0]]
GREY = np.full((40, 60, 3), 100, np.uint8)


def test_a_defect_of_one_pixel_is_ringed_and_itself_only_tinted():
    mask = np.zeros((40, 60), np.uint8)
    mask[20, 30] = 1
    picture = overlay(GREY, mask, PALETTE)
    assert picture[20, 30].tolist() == [65, 65, 154]  # BGR: 0.65 of the image, 0.35 of red
    ring = (picture == (0, 0, 255)).all(2)
    assert ring.sum() == 7 * 7 - 3 * 3
    assert (picture[~ring & (mask == 0)] == 100).all()
    assert (GREY == 100).all()


def test_a_huge_picture_is_shrunk_and_keeps_its_defects():
    mask = np.zeros((40, 61), np.uint8)
    mask[39, 60], mask[1, 1] = 1, 2
    assert reduced(GREY, mask, 40 * 61)[1] is mask
    picture, small = reduced(np.full((40, 61, 3), 100, np.uint8), mask, 40 * 61 // 9)
    assert small.shape == picture.shape[:2] == (10, 16)
    assert small[9, 15] == 1
    assert small[0, 0] == 2
    assert small.sum() == 3


def test_opacity_and_colours_survive_in_a_jpeg(tmp_path):
    mask = np.ones((40, 60), np.uint8)
    assert (overlay(GREY, mask, PALETTE, 0.0) == 100).all()
    assert (overlay(GREY, mask, PALETTE, 1.0) == (0, 0, 255)).all()
    mask[:, ::2] = 0  # columns of one pixel, which halved colours would blur into each other
    write_image(tmp_path / 'x.jpg', np.where(mask[..., None] > 0, np.uint8([0, 0, 255]), GREY))
    assert (tmp_path / 'x.jpg').read_bytes()[:2] == b'\xff\xd8'
    read = read_image(tmp_path / 'x.jpg').astype(int)
    assert (read[:, 1::2, 2] - read[:, 1::2, 0]).min() > 150
    assert abs(read[:, ::2, 2] - read[:, ::2, 0]).max() < 60


def test_ignored_pixels_are_grey_and_background_is_untouched():
    mask = np.zeros((40, 60), np.uint8)
    mask[:10] = 255
    picture = overlay(GREY, mask, PALETTE)
    assert (picture[0] == int(0.65 * 100 + 0.35 * 128)).all()
    assert (picture[30] == 100).all()


def test_a_strip_has_a_panel_each(tmp_path):
    cv2.imwrite(str(tmp_path / 'ü.png'), GREY)
    mask = np.ones((40, 60), np.uint8)
    with_truth = comparison(tmp_path / 'ü.png', mask, mask, PALETTE)
    without = comparison(tmp_path / 'ü.png', None, mask, PALETTE)
    assert with_truth.shape == (40 + CAPTION, 3 * 60 + 2 * 6, 3)
    assert without.shape == (40 + CAPTION, 2 * 60 + 6, 3)
    table = sheet([('one', with_truth), ('two', without)], ['background', 'a', 'b'], PALETTE)
    assert table.shape[1] == with_truth.shape[1]
    assert (legend(['background', 'a', 'b'], PALETTE, 200) == (0, 255, 0)).all(2).any()


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / 'x.png').write_text('hello')
    with pytest.raises(DataError, match=r'x\.png: cannot be decoded'):
        read_image(tmp_path / 'x.png')


def test_the_worst_images_come_first():
    rows = [
        {'image': 'clean', 'IoU_fg': float('nan'), 'predicted.background': 9, 'predicted.a': 0},
        {'image': 'half', 'IoU_fg': 50.0, 'predicted.background': 9, 'predicted.a': 3},
        {'image': 'missed', 'IoU_fg': 0.0, 'predicted.background': 9, 'predicted.a': 0},
        {'image': 'invented', 'IoU_fg': 0.0, 'predicted.background': 9, 'predicted.a': 7},
    ]
    assert [row['image'] for row in worst_rows(rows)] == ['invented', 'missed', 'half', 'clean']
    assert len(worst_rows(rows, 2)) == 2

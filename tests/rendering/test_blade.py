"""Pictures and masks: what is labelled is there and can be seen, and holds the planned number of pixels."""

import cv2
import numpy as np
import pytest

from mmseg_ext.rendering.blade import render, split_area
from mmseg_ext.rendering.patches import CRUMB, claim, window
from mmseg_ext.rendering.scene import make_surface

GAP, REACH = (
    5,
    13,
)  # the ring around a defect: beyond its soft rim and its shadow, no farther than its surroundings


@pytest.fixture(scope='module')
def drawn() -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    """Attached and broken pixels asked for, picture, mask."""
    budgets = [(0, 0), (0, 0), (90, 0), (750, 260), (2600, 720), (0, 130), (524, 79), (749, 300), (1200, 600)]
    return [(a, b, *render(np.random.default_rng([11, k]), a, b)) for k, (a, b) in enumerate(budgets)]


def lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def components(mask: np.ndarray, label: int) -> list[np.ndarray]:
    count, parts = cv2.connectedComponents((mask == label).astype(np.uint8))
    return [parts == k for k in range(1, count)]


def against_ring(image: np.ndarray, mask: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Mean colour of a component minus that of the unlabelled ring around it, CIE Lab, (3,)."""
    near = cv2.dilate(part.astype(np.uint8), np.ones((REACH, REACH))) > 0
    ring = near & (cv2.dilate((mask > 0).astype(np.uint8), np.ones((GAP, GAP))) == 0)
    colours = lab(image)
    return colours[part].mean(0) - colours[ring].mean(0)


def test_shapes_types_and_values(drawn):
    for _, _, image, mask in drawn:
        assert image.shape == (512, 512, 3)
        assert mask.shape == (512, 512)
        assert image.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 1, 2}


def test_every_planned_pixel_is_drawn_and_no_other(drawn):
    for attached, broken, _, mask in drawn:
        assert [(mask == 1).sum(), (mask == 2).sum()] == [attached, broken]


def test_attached_material_is_golden(drawn):
    parts = [against_ring(i, m, part) for _, _, i, m in drawn for part in components(m, 1)]
    assert len(parts) > 20
    assert min(part[2] for part in parts) > 6  # Lab b: blue to yellow
    assert min(np.linalg.norm(part) for part in parts) > 9


def test_fractures_are_bright_and_without_colour(drawn):
    parts = [against_ring(i, m, part) for _, _, i, m in drawn for part in components(m, 2)]
    assert len(parts) >= 6
    assert min(part[0] for part in parts) > 9  # Lab L: dark to bright
    assert max(np.abs(part[1:]).max() for part in parts) < 7


def test_no_crumbs(drawn):
    for _, _, _, mask in drawn:
        sizes = [part.sum() for label in (1, 2) for part in components(mask, label)]
        assert min(sizes, default=CRUMB) >= CRUMB


def test_nothing_golden_is_unlabelled(drawn):
    for _, _, image, mask in drawn:
        colours = lab(image)
        far = cv2.dilate((mask > 0).astype(np.uint8), np.ones((9, 9))) == 0
        golden = (cv2.blur(colours[..., 2], (5, 5)) > 24) & (cv2.blur(colours[..., 0], (5, 5)) > 35) & far
        assert golden.sum() < 10


def test_pictures_are_exposed_and_differ(drawn):
    levels = [image.mean() for _, _, image, _ in drawn]
    assert 40 < min(levels) < max(levels) < 220
    assert max(levels) - min(levels) > 20
    assert all((image == 255).mean() < 0.08 for _, _, image, _ in drawn)


def test_the_same_stream_gives_the_same_picture(drawn):
    image, mask = render(np.random.default_rng([11, 3]), 750, 260)
    assert np.array_equal(image, drawn[3][2])
    assert np.array_equal(mask, drawn[3][3])
    assert not np.array_equal(image, render(np.random.default_rng([11, 99]), 750, 260)[0])


@pytest.mark.parametrize('area', [1, 39, 79, 130, 700, 2600])
def test_parts_add_up_and_are_large_enough(area):
    for seed in range(20):
        parts = split_area(np.random.default_rng(seed), area, 40, 620)
        assert sum(parts) == area
        assert min(parts) >= min(area, 40)
        assert max(parts) < 620 + 40


def test_a_later_defect_leaves_an_earlier_one_alone():
    surface, mask = make_surface(np.random.default_rng(0)), np.zeros((512, 512), np.uint8)
    surface.inside[:] = 100
    view = window(np.array([256, 256]), 40)
    reach = 30 - np.hypot(view.x - 256.31, view.y - 255.87)  # off the grid: no two pixels are equally far
    claim(surface, mask, view, reach, 500, 2)
    cover, _ = claim(surface, mask, view, reach, 400, 1)
    assert [(mask == 1).sum(), (mask == 2).sum()] == [400, 500]
    assert not cover[mask[view.box] == 2].any()

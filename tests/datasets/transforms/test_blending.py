"""Ways to put an object onto a photograph: by hand, and against an exact solution of Poisson's equation."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from mmseg_ext.datasets.transforms.blending import BLENDS, feather, paste, poisson

SIZE = (60, 80)
DISC = (np.hypot(*(np.mgrid[:60, :80] - np.array([30, 40])[:, None, None])) <= 18).astype(bool)


def light(strength: float = 30.0) -> np.ndarray:
    """A photograph (60, 80, 3) of smooth light."""
    rows, columns = np.mgrid[:60, :80]
    return (
        120 + strength * np.stack([np.sin(rows / 25 + k) + np.cos(columns / 30 - k) for k in range(3)], 2)
    ).astype(np.uint8)


def flat(value: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


@pytest.mark.parametrize('blend', BLENDS.values(), ids=BLENDS)
@pytest.mark.parametrize('margin', [0, 3])
def test_beyond_the_margin_nothing_changes_and_arguments_stay(blend, margin):
    under, patch = light(), flat(200)
    before = under.copy(), patch.copy()
    done = blend(under, patch, DISC, margin)
    away = ndimage.distance_transform_edt(~DISC) > margin
    assert done.dtype == np.uint8
    assert np.array_equal(done[away], under[away])
    assert np.array_equal(under, before[0])
    assert np.array_equal(patch, before[1])


@pytest.mark.parametrize('blend', BLENDS.values(), ids=BLENDS)
def test_a_photograph_pasted_onto_itself_is_itself(blend):
    assert np.array_equal(blend(light(), light(), DISC, 3), light())


@pytest.mark.parametrize('blend', BLENDS.values(), ids=BLENDS)
def test_without_an_object_nothing_changes(blend):
    assert np.array_equal(blend(light(), flat(200), np.zeros(SIZE, bool), 3), light())


def test_none_takes_the_objects_pixels():
    done = paste(light(), flat(200), DISC, 3)
    assert (done[DISC] == 200).all()
    assert np.array_equal(done[~DISC], light()[~DISC])


def test_feather_keeps_the_object_and_fades_what_is_around_it():
    shape = np.zeros((1, 7), bool)
    shape[0, 3] = True
    done = feather(flat(0, (1, 7)), flat(120, (1, 7)), shape, margin=2)
    assert done[0, :, 0].tolist() == [0, 40, 80, 120, 80, 40, 0]  # shares 1/3, 2/3, 1


def test_feather_fades_by_the_distance_to_the_nearest_pixel():
    shape = np.zeros((5, 5), bool)
    shape[2, 2] = True
    done = feather(flat(0, (5, 5)), flat(100, (5, 5)), shape, margin=2)
    assert done[1, 1, 0] == round(100 * (1 - np.sqrt(2) / 3))
    assert done[1, 2, 0] == round(100 * 2 / 3)
    assert done[0, 1, 0] == 0  # farther than 2


def test_poisson_keeps_contrast_and_takes_the_light_of_the_target():
    patch = flat(60)
    patch[28:32, 38:42] += 50  # brighter by 50 in the dark
    done = poisson(flat(150), patch, DISC, 3)
    assert (done[28:32, 38:42] == 200).all()
    assert (np.delete(done[DISC], np.flatnonzero((patch[DISC] != 60).any(1)), axis=0) == 150).all()


def exact(under: np.ndarray, patch: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The patch plus the harmonic continuation of its differences to ``under``, by a sparse linear system."""
    numbers = np.full(inside.shape, -1)
    numbers[inside] = np.arange(inside.sum())
    rows, columns, values, right = [], [], [], np.zeros((inside.sum(), 3))
    for place in np.argwhere(inside):
        me, degree = numbers[tuple(place)], 0
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            near = tuple(place + step)
            if not (0 <= near[0] < inside.shape[0] and 0 <= near[1] < inside.shape[1]):
                continue
            degree += 1
            if inside[near]:
                rows, columns, values = [*rows, me], [*columns, numbers[near]], [*values, -1.0]
            else:
                right[me] += under[near].astype(float) - patch[near]
        rows, columns, values = [*rows, me], [*columns, me], [*values, float(degree)]
    matrix = csr_matrix((values, (rows, columns)))
    done = under.astype(float)
    done[inside] = patch[inside] + np.stack([spsolve(matrix, right[:, k]) for k in range(3)], axis=1)
    return done


@pytest.mark.parametrize('shape', [DISC, np.roll(DISC, 30, axis=1) & (np.arange(80) > 40)], ids=['disc', 'border'])
def test_poisson_is_within_two_grey_values_of_the_exact_solution(shape):
    patch = np.random.default_rng(0).integers(80, 120, (*SIZE, 3), np.uint8)
    patch = ndimage.gaussian_filter(patch, (3, 3, 0))
    wanted = exact(light(), patch, shape)
    done = poisson(light(), patch, shape, margin=0)
    assert np.abs(wanted - patch)[shape].max() > 25  # there is something to add
    assert np.abs(done - wanted).max() < 2.6
    assert np.abs(done - wanted)[shape].mean() < 1


def test_poisson_of_a_patch_that_is_all_object_adds_nothing():
    assert (poisson(flat(150), flat(60), np.ones(SIZE, bool), 3) == 60).all()


def test_poisson_takes_lines_of_one_pixel_and_patches_of_one_pixel():
    line = np.zeros(SIZE, bool)
    line[30, 5:70] = True
    patch = flat(100)
    patch[line] = 40
    done = poisson(flat(180), patch, line, margin=3)
    assert np.abs(done[line].astype(int) - 120).max() <= 1
    assert poisson(flat(9, (1, 1)), flat(5, (1, 1)), np.ones((1, 1), bool), 0).tolist() == [[[5, 5, 5]]]

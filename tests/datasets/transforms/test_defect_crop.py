"""DefectCrop: where its windows lie, what they hold, and that prob 0 is RandomResize + RandomCrop."""
# ruff: noqa: NPY002 - the transform draws from numpy's global generator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.transforms import RandomResize
from mmcv.transforms.utils import cache_random_params
from mmseg.datasets.transforms import RandomCrop
from mmseg.registry import TRANSFORMS
from scipy.stats import chisquare, ks_2samp

from mmseg_ext.datasets.transforms import DefectCrop
from mmseg_ext.datasets.transforms.window import crop_mask, source_index, source_length
from mmseg_ext.errors import DataError


def loaded(mask: np.ndarray, image: np.ndarray | None = None) -> dict:
    """What LoadImageFromFile and LoadAnnotations leave behind; the image repeats the mask unless given."""
    image = np.repeat(mask[..., None], 3, axis=2) if image is None else image
    return {
        'img': image,
        'gt_seg_map': mask,
        'seg_fields': ['gt_seg_map'],
        'img_shape': image.shape[:2],
        'ori_shape': image.shape[:2],
        'img_path': 'images/a.jpg',
        'seg_map_path': 'masks/a.png',
    }


def smooth_image(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 17 + k) + np.cos(columns / 23 - k) for k in range(3)]
    return (np.stack(waves, axis=2) * 60 + 127).astype(np.uint8)


def dotted(height: int = 60, width: int = 80, **dots: tuple[int, int]) -> np.ndarray:
    """A mask of zeros with single pixels: ``c7=(row, column)`` has value 7."""
    mask = np.zeros((height, width), dtype=np.uint8)
    for name, place in dots.items():
        mask[place] = int(name[1:])
    return mask


def upstream(crop_size: tuple[int, int], base_size: tuple[int, int], scale: tuple[float, float]):
    resize, crop = RandomResize(base_size, ratio_range=scale, keep_ratio=True), RandomCrop(crop_size)
    return lambda results: crop(resize(results))


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('base_size', [None, (150, 150), (400, 100)])
@pytest.mark.parametrize('crop_size', [(96, 128), (64, 64), (500, 40)])
def test_prob_0_is_random_resize_and_random_crop_from_the_same_seed(seed, base_size, crop_size):
    image, mask = smooth_image(200, 260), cv2.resize(np.arange(63, dtype=np.uint8).reshape(7, 9), (260, 200))
    np.random.seed(seed)
    ours = DefectCrop(crop_size, scale=(0.4, 2.5), prob=0, base_size=base_size)(loaded(mask, image))
    np.random.seed(seed)
    theirs = upstream(crop_size, base_size or (260, 200), (0.4, 2.5))(loaded(mask, image))
    for key in ('img_shape', 'scale_factor', 'keep_ratio'):
        assert ours[key] == theirs[key]
    assert ours['gt_seg_map'].shape == theirs['gt_seg_map'].shape
    # The window is theirs to within half a source pixel; one source pixel changes this image by 3.5 on average.
    assert np.abs(ours['img'].astype(int) - theirs['img']).mean() < 2


def corners(transform, seed: int, draws: int) -> np.ndarray:
    """Per draw the ratio and the window's corner, read from an image that holds its own coordinates."""
    rows, columns = np.mgrid[:120, :160].astype(np.float32)
    image, mask = np.stack([rows, columns, rows], axis=2), np.zeros((120, 160), np.uint8)
    np.random.seed(seed)
    results = [transform(loaded(mask, image)) for _ in range(draws)]
    return np.array([[r['scale_factor'][0], *r['img'][0, 0, :2]] for r in results])


def test_prob_0_has_the_distribution_of_random_resize_and_random_crop():
    ours = corners(DefectCrop(64, scale=(0.5, 2), prob=0), 0, 1500)
    theirs = corners(upstream((64, 64), (160, 120), (0.5, 2)), 1, 1500)
    assert all(ks_2samp(ours[:, k], theirs[:, k]).pvalue > 0.01 for k in range(3))


def test_an_image_without_defects_is_cropped_anywhere():
    ours = corners(DefectCrop(64, scale=(0.5, 2), prob=1), 2, 1000)
    theirs = corners(upstream((64, 64), (160, 120), (0.5, 2)), 3, 1000)
    assert all(ks_2samp(ours[:, k], theirs[:, k]).pvalue > 0.01 for k in range(3))


def test_ratio_1_cuts_without_touching_a_pixel():
    generator = np.random.default_rng(0)
    image, mask = generator.integers(0, 256, (50, 70, 3), np.uint8), generator.integers(0, 4, (50, 70), np.uint8)
    for seed in range(20):
        np.random.seed(seed)
        ours = DefectCrop((30, 40), scale=(1, 1), prob=0)(loaded(mask, image))
        np.random.seed(seed)
        theirs = upstream((30, 40), (70, 50), (1, 1))(loaded(mask, image))
        assert np.array_equal(ours['img'], theirs['img'])
        assert np.array_equal(ours['gt_seg_map'], theirs['gt_seg_map'])


def test_the_crop_is_a_copy():
    results = loaded(np.ones((20, 20), np.uint8))
    image, mask = results['img'], results['gt_seg_map']
    cropped = DefectCrop(10, scale=(1, 1))(results)
    assert not np.shares_memory(cropped['img'], image)
    assert not np.shares_memory(cropped['gt_seg_map'], mask)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_window_lies_inside_and_invents_no_label(data):
    height, width = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 50))
    crop_size = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    low, high = sorted(data.draw(st.tuples(*2 * [st.floats(0.05, 4)])))
    np.random.seed(data.draw(st.integers(0, 2**16)))
    mask = np.random.choice([0, 3, 7, 255], (height, width), p=[0.9, 0.04, 0.04, 0.02]).astype(np.uint8)
    transform = DefectCrop(crop_size, scale=(low, high), prob=data.draw(st.sampled_from([0, 0.5, 1])))
    window = transform.draw_window(mask)
    assert 0 <= window.rows.start < window.rows.stop <= height
    assert 0 <= window.columns.start < window.columns.stop <= width
    results = transform(loaded(mask))
    assert set(np.unique(results['gt_seg_map'])) <= set(np.unique(mask))
    assert results['img'].shape == (*results['gt_seg_map'].shape, 3)
    assert results['img_shape'] == results['gt_seg_map'].shape
    scaled = results['scale'][::-1]
    assert results['img_shape'] == tuple(np.minimum(crop_size, scaled))


def test_image_and_mask_stay_aligned():
    """The centre of mass of a disc is the same in both, to a small part of a source pixel."""
    mask = cv2.circle(np.zeros((200, 200), np.uint8), (97, 103), 20, 1, -1)
    image = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    transform = DefectCrop(120, scale=(0.4, 2.5), prob=1)
    shifts = []
    for seed in range(40):
        np.random.seed(seed)
        results = transform(loaded(mask, image))
        weights = [results['gt_seg_map'].astype(float), results['img'][..., 0] / 255]
        places = [np.argwhere(w > 0).T @ w[w > 0] / w.sum() for w in weights]
        shifts.append((places[0] - places[1]) / results['scale_factor'][0])
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.03


@pytest.mark.parametrize('scale', [(0.2, 0.2), (0.5, 2), (1, 1), (3, 3)])
def test_prob_1_always_holds_a_defect_of_one_pixel(scale):
    places = [(31, 40), (30, 41), (4, 71), (55, 8)]
    if scale != (0.2, 0.2):  # where the image can only shrink, no pixel of its border is ever a nearest one
        places += [(0, 0), (59, 79), (0, 40), (58, 1)]
    transform = DefectCrop((8, 10), scale=scale, prob=1)
    for number, place in enumerate(places * 10):
        np.random.seed(number)
        assert 2 in transform(loaded(dotted(c2=place)))['gt_seg_map']


def test_prob_is_the_share_of_crops_on_a_defect():
    transform = DefectCrop(4, scale=(1, 1), prob=0.3)
    np.random.seed(0)
    hits = [2 in transform(loaded(dotted(300, 300, c2=(150, 150))))['gt_seg_map'] for _ in range(1000)]
    assert 0.25 < np.mean(hits) < 0.35


def test_a_rare_class_comes_as_often_as_a_common_one():
    mask = dotted(100, 100, c2=(90, 90))
    mask[:40, :40] = 1
    transform = DefectCrop(5, scale=(1, 1), prob=1)
    np.random.seed(0)
    rare = np.mean([2 in transform(loaded(mask))['gt_seg_map'] for _ in range(400)])
    assert 0.43 < rare < 0.57


@pytest.mark.parametrize(('ratio', 'crop_size'), [(1, (4, 6)), (1.5, (6, 9))])
def test_every_placement_around_a_pixel_is_as_likely(ratio, crop_size):
    transform = DefectCrop(crop_size, scale=(ratio, ratio), prob=1)
    np.random.seed(0)
    windows = [transform.draw_window(dotted(c2=(30, 40))) for _ in range(2400)]
    counts = np.zeros((4, 6))
    for window in windows:
        counts[30 - window.rows.start, 40 - window.columns.start] += 1
    assert chisquare(counts.ravel()).pvalue > 0.01


def test_every_pixel_of_a_class_is_as_likely():
    mask = dotted(c2=(5, 5))
    mask[40, 10:13] = 2
    transform = DefectCrop(1, scale=(1, 1), prob=1)
    np.random.seed(0)
    rows = [transform.draw_window(mask).rows.start for _ in range(800)]
    assert 0.2 < np.mean(np.equal(rows, 5)) < 0.3


@pytest.mark.parametrize(('classes', 'expected'), [(None, {1, 2}), ((2,), {2}), ([0], {0}), ((1, 9), {1})])
def test_classes_say_what_is_wanted(classes, expected):
    mask = dotted(c1=(10, 10), c2=(50, 70), c255=(30, 30))
    transform = DefectCrop(1, scale=(1, 1), prob=1, classes=classes)
    np.random.seed(0)
    assert {int(transform(loaded(mask))['gt_seg_map'][0, 0]) for _ in range(30)} == expected


def test_min_pixels_asks_for_more_than_the_edge_of_a_defect():
    mask = np.zeros((80, 80), np.uint8)
    mask[30:40, 30:40] = 1
    counts = {}
    for min_pixels in (1, 60):
        transform = DefectCrop(16, scale=(1, 1), prob=1, min_pixels=min_pixels)
        np.random.seed(0)
        counts[min_pixels] = [np.count_nonzero(transform(loaded(mask))['gt_seg_map']) for _ in range(200)]
    assert np.mean(np.array(counts[1]) < 60) > 0.3
    assert np.mean(np.array(counts[60]) < 60) < 0.05


def test_min_pixels_out_of_reach_takes_the_best_window():
    mask = np.zeros((80, 80), np.uint8)
    mask[30:40, 30:40] = 1
    transform = DefectCrop(16, scale=(1, 1), prob=1, min_pixels=1000)
    np.random.seed(0)
    counts = [np.count_nonzero(transform(loaded(mask))['gt_seg_map']) for _ in range(200)]
    assert min(counts) > 0
    assert np.median(counts) > 80


def test_pixels_are_counted_after_resizing():
    mask = np.zeros((80, 80), np.uint8)
    mask[30:40, 30:40] = 1
    transform = DefectCrop(80, scale=(0.5, 2), prob=1, min_pixels=101)
    for seed in range(50):
        np.random.seed(seed)
        assert transform(loaded(mask))['scale_factor'][0] > 1


def test_a_small_image_gives_a_small_crop():
    results = DefectCrop((50, 300), scale=(0.5, 0.5), prob=1)(loaded(dotted(200, 200, c1=(150, 20))))
    assert results['img_shape'] == results['img'].shape[:2] == results['gt_seg_map'].shape == (50, 100)
    assert results['scale'] == (100, 100)
    assert results['scale_factor'] == (0.5, 0.5)


def test_a_grey_image_and_wide_integers_pass():
    mask = dotted(c2=(30, 40)).astype(np.int64)
    results = DefectCrop(20, scale=(0.7, 1.5), prob=1)(loaded(mask, mask.astype(np.float32)))
    assert results['img'].shape == (20, 20)
    assert results['gt_seg_map'].dtype == np.int64


def test_all_masks_get_the_same_window():
    mask = np.random.default_rng(0).integers(0, 5, (60, 80), np.uint8)
    results = loaded(mask) | {'edges': mask + 100, 'seg_fields': ['gt_seg_map', 'edges']}
    results = DefectCrop(20, scale=(0.5, 2))(results)
    assert np.array_equal(results['edges'], results['gt_seg_map'] + 100)


def test_the_same_seed_gives_the_same_crop_and_shared_randomness_is_honoured():
    mask = np.random.default_rng(0).integers(0, 5, (60, 80), np.uint8)
    transform = DefectCrop(20)
    crops = []
    for _ in range(2):
        np.random.seed(3)
        crops.append(transform(loaded(mask))['gt_seg_map'])
    assert np.array_equal(*crops)
    with cache_random_params(transform):
        assert np.array_equal(*(transform(loaded(mask))['gt_seg_map'] for _ in range(2)))


@pytest.mark.parametrize(('size', 'source'), [(1, 1), (3, 7), (7, 3), (10, 5), (5, 10), (512, 333), (64, 4000)])
def test_nearest_is_the_pixel_under_the_centre(size, source):
    centres = (np.arange(size) + 0.5) * source / size
    index = source_index(size, source)
    assert ((index <= centres) & (centres <= index + 1)).all()
    assert 0 <= index[0] <= index[-1] < source


def test_nearest_agrees_with_cv2s_exact_mode_where_no_centre_lies_on_an_edge():
    mask = np.random.default_rng(0).integers(0, 9, (30, 40), np.uint8)
    transform = DefectCrop((50, 70), scale=(2, 2), prob=0)
    window = transform.draw_window(mask)
    box = mask[window.rows, window.columns]
    exact = cv2.resize(box, window.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    assert np.array_equal(crop_mask(mask, window), exact)


@pytest.mark.parametrize(
    ('size', 'scaled', 'source', 'expected'),
    [(50, 100, 100, 50), (50, 200, 100, 25), (5, 20, 10, 3), (1, 1000, 10, 1), (100, 100, 333, 333)],
)
def test_source_length_rounds_to_the_nearest_pixel(size, scaled, source, expected):
    assert source_length(size, scaled, source) == expected


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'crop_size': 0}, r'crop_size takes two whole numbers of pixels, at least 1 each, got \(0, 0\)'),
        ({'crop_size': (5, 5, 5)}, 'crop_size takes two whole numbers'),
        ({'crop_size': (5, 2.5)}, 'crop_size takes two whole numbers'),
        ({'base_size': (0, 10)}, r'base_size takes two .* got \(0, 10\)'),
        ({'scale': (2, 1)}, r'scale is \(lowest, highest\) ratio with 0 < lowest <= highest, got \(2, 1\)'),
        ({'scale': (0, 1)}, 'scale is'),
        ({'scale': (1,)}, 'scale is'),
        ({'scale': (1, float('inf'))}, 'scale is'),
        ({'prob': 1.1}, 'prob is a share of the crops in 0..1, got 1.1'),
        ({'prob': -0.1}, 'prob is a share'),
        ({'min_pixels': 0}, 'min_pixels must be at least 1, got 0; for plain crops set prob=0'),
        ({'classes': ()}, r'classes are the wanted mask values, at least one .*got \(\)'),
        ({'classes': (1, 255)}, 'never ignore_index 255'),
    ],
)
def test_bad_parameters_are_refused_with_value_and_cure(options, message):
    with pytest.raises(ValueError, match=message):
        DefectCrop(**{'crop_size': 8} | options)


def test_a_mask_of_another_size_names_the_file():
    results = loaded(np.zeros((20, 30), np.uint8)) | {'img': np.zeros((30, 20, 3), np.uint8)}
    with pytest.raises(DataError, match=r'^masks/a\.png: the mask is 20x30 but its image is 30x20'):
        DefectCrop(8)(results)


def test_a_missing_mask_names_the_file_and_the_cure():
    results = {'img': np.zeros((30, 20, 3), np.uint8), 'img_path': 'images/a.jpg'}
    with pytest.raises(DataError, match=r'^images/a\.jpg: DefectCrop needs gt_seg_map; put LoadAnnotations'):
        DefectCrop(8)(results)


def test_built_by_name_from_a_config_and_shown_in_full():
    transform = TRANSFORMS.build({'type': 'DefectCrop', 'crop_size': [4, 6], 'scale': [1, 2], 'classes': [2]})
    assert repr(transform) == (
        'DefectCrop(crop_size=(4, 6), scale=(1, 2), prob=0.5, classes=(2,), min_pixels=1, base_size=None, '
        'ignore_index=255)'
    )

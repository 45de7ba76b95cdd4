"""ClassCopyPaste: what is pasted, where, how often, and that image and label go on telling the same."""
# ruff: noqa: NPY002 - the transform draws from numpy's global generator

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from PIL import Image
from scipy import ndimage
from scipy.stats import chisquare
from synthetic import make_dataset

from mmseg_ext.datasets import CheckedSegDataset
from mmseg_ext.datasets.cache import ArrayCache
from mmseg_ext.datasets.transforms import ClassCopyPaste, DefectCrop
from mmseg_ext.errors import DataError

EXACT = dict(prob=1.0, blend='none', scale=(1.0, 1.0), flip=0.0, min_pixels=1)
NAMES = ('background', 'one', 'two', 'three')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')
    np.random.seed(0)


def coloured(mask: np.ndarray) -> np.ndarray:
    """An image that tells its mask: grey value 20 k for class k, 255 where it is ignored."""
    values = np.where(mask == 255, 255, mask * 20).astype(np.uint8)
    return np.repeat(values[..., None], 3, axis=2)


def masked(size: tuple[int, int] = (30, 40), **boxes: tuple[slice, slice]) -> np.ndarray:
    """A mask of zeros with boxes: ``c2=np.s_[3:5, 7:9]`` has value 2."""
    mask = np.zeros(size, np.uint8)
    for name, box in boxes.items():
        mask[box] = int(name[1:])
    return mask


def build(root: Path, masks: list[np.ndarray], steps: tuple = (), **options) -> CheckedSegDataset:
    """A data set of the masks and their images, loaded, through ``steps`` and a ClassCopyPaste."""
    for index, mask in enumerate(masks):
        for folder, array in (('img_dir', coloured(mask)), ('ann_dir', mask)):
            path = root / folder / f'{index:02d}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    pipeline = [dict(type='LoadPair'), *steps, dict(type='ClassCopyPaste', **{**EXACT, **options})]
    return CheckedSegDataset(
        data_root=str(root),
        data_prefix=dict(img_path='img_dir', seg_map_path='ann_dir'),
        metainfo=dict(classes=NAMES),
        pipeline=pipeline,
        serialize_data=False,  # which collects garbage for a second
    )


def label(dataset: CheckedSegDataset, index: int = 0) -> np.ndarray:
    """The label of a sample, whose image is checked to say the same."""
    results = dataset[index]
    assert np.array_equal(results['img'], coloured(results['gt_seg_map']))
    return results['gt_seg_map']


def objects(mask: np.ndarray, value: int = 1) -> int:
    return ndimage.label(mask == value, np.ones((3, 3)))[1]


def test_an_object_of_another_image_is_pasted_whole_and_anywhere(tmp_path):
    dataset = build(tmp_path, [masked(), masked(c1=np.s_[0:4, 0:3])])
    corners = set()
    for _ in range(400):
        rows, columns = np.nonzero(label(dataset) == 1)
        assert len(rows) == 12
        assert (np.ptp(rows), np.ptp(columns)) == (3, 2)
        corners.add((rows.min(), columns.min()))
    assert {row for row, _ in corners} == set(range(30 - 4 + 1))
    assert {column for _, column in corners} == set(range(40 - 3 + 1))


def test_an_image_gives_nothing_to_itself(tmp_path):
    dataset = build(tmp_path, [masked(c1=np.s_[3:6, 3:6]), masked()])
    assert all(objects(label(dataset, 0)) == 1 for _ in range(20))
    assert all(objects(label(dataset, 1)) == 1 for _ in range(20))


def test_only_wanted_classes_are_pasted_and_only_their_own_pixels(tmp_path):
    ring = masked(c1=np.s_[0:9, 0:9], c255=np.s_[2:8, 2:8], c2=np.s_[4:6, 4:6], c3=np.s_[20:30, 20:40])
    dataset = build(tmp_path, [masked(), ring], classes=[2])
    for _ in range(20):
        assert Counter(label(dataset).ravel().tolist()) == {0: 1196, 2: 4}


def test_by_default_all_but_background_and_ignored_pixels_are_wanted(tmp_path):
    donor = masked(c1=np.s_[0:2, 0:2], c255=np.s_[10:20, 10:20], c3=np.s_[25:28, 30:33])
    dataset = build(tmp_path, [masked(), donor])
    seen = {value for _ in range(40) for value in np.unique(label(dataset)).tolist()}
    assert seen == {0, 1, 3}


def test_ignored_pixels_of_the_target_get_the_label_of_what_lies_on_them(tmp_path):
    dataset = build(tmp_path, [np.full((30, 40), 255, np.uint8), masked(c1=np.s_[0:4, 0:3])])
    assert Counter(label(dataset).ravel().tolist()) == {255: 1188, 1: 12}


def test_no_wanted_pixel_is_ever_covered(tmp_path):
    target = masked((12, 12), c1=np.s_[0:12:3, :], c3=np.s_[5:6, :])
    dataset = build(tmp_path, [target, masked((12, 12), c2=np.s_[0:2, 0:6], c1=np.s_[8:9, 0:9])], classes=[1, 2])
    pasted = 0
    for _ in range(100):
        seen = label(dataset)
        assert (seen[target == 1] == 1).all()
        pasted += not np.array_equal(seen, target)
    assert pasted > 90  # in ten tries 96 of 100 find a place, in one 27 or 58


def test_objects_that_are_pasted_do_not_cover_each_other(tmp_path):
    donor = masked((20, 20), c1=np.s_[0:6, 0:6], c2=np.s_[9:12, 9:12])
    donor[9:15, 0:6] = 1
    dataset = build(tmp_path, [masked((20, 20)), donor], classes=[1], max_objects=2)
    areas = Counter(int((label(dataset) == 1).sum()) for _ in range(200))
    assert set(areas) == {36, 72}
    assert areas[72] > 60


def test_up_to_max_objects_are_pasted_each_number_as_often(tmp_path):
    donor = np.zeros((60, 60), np.uint8)
    donor[::12, ::12] = 1
    dataset = build(tmp_path, [np.zeros((60, 60), np.uint8), donor], max_objects=3)
    counts = Counter(int((label(dataset) == 1).sum()) for _ in range(600))
    assert set(counts) == {1, 2, 3}
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_a_corner_joins_pixels_to_one_object(tmp_path):
    donor = masked()
    donor[range(5), range(5)] = 1
    dataset = build(tmp_path, [masked(), donor], max_objects=1)
    assert (label(dataset) == 1).sum() == 5


def test_of_two_objects_one_inside_the_box_of_the_other_one_is_pasted(tmp_path):
    donor = masked(c1=np.s_[0:9, 0:9], c0=np.s_[1:8, 1:8])
    donor[4, 4] = 1  # a dot in a frame
    dataset = build(tmp_path, [masked(), donor], max_objects=1)
    assert {int((label(dataset) == 1).sum()) for _ in range(20)} == {1, 32}


def test_small_objects_stay_where_they_are(tmp_path):
    donor = masked(c1=np.s_[0:3, 0:3])
    donor[20, 20] = 1
    dataset = build(tmp_path, [masked(), donor], min_pixels=9)
    assert all((label(dataset) == 1).sum() == 9 for _ in range(20))
    nothing = build(tmp_path / 'none', [masked(), donor], min_pixels=10)
    assert not any(label(nothing).any() for _ in range(20))


def test_an_object_of_which_too_little_would_be_seen_is_left_out(tmp_path):
    wide = masked((4, 60), c1=np.s_[1:2, 0:60])
    few, many = (build(tmp_path / str(n), [masked((30, 40)), wide], min_pixels=n) for n in (40, 41))
    assert (label(few) == 1).sum() == 40
    assert not label(many).any()


def test_an_object_larger_than_the_image_reaches_from_border_to_border(tmp_path):
    dataset = build(tmp_path, [masked((20, 20)), masked((50, 50), c1=np.s_[5:40, 5:40])])
    assert all((label(dataset) == 1).all() for _ in range(20))


def test_the_same_place_is_the_same_place(tmp_path):
    donor = masked(c1=np.s_[3:8, 30:40])
    dataset = build(tmp_path, [masked(), donor], position='same')
    assert np.array_equal(label(dataset), donor)


def test_in_an_image_of_twice_the_size_the_same_place_is_as_far_from_the_borders_in_proportion(tmp_path):
    dataset = build(tmp_path, [masked((60, 80)), masked(c1=np.s_[10:14, 20:26])], position='same')
    assert np.array_equal(
        label(dataset), masked((60, 80), c1=np.s_[22:26, 43:49])
    )  # the middle, 12 and 23, is doubled


def test_objects_are_mirrored_left_to_right(tmp_path):
    donor = masked(c1=np.s_[10:16, 10:12])
    donor[15, 12:15] = 1  # an L
    same, mirrored = (build(tmp_path / str(p), [masked(), donor], flip=p, position='same') for p in (0.0, 1.0))
    assert np.array_equal(label(same)[10:16, 10:15], donor[10:16, 10:15])
    assert np.array_equal(label(mirrored)[10:16, 10:15], donor[10:16, 10:15][:, ::-1])


def test_objects_are_resized_with_their_label(tmp_path):
    dataset = build(tmp_path, [masked(), masked(c1=np.s_[10:14, 10:16])], scale=(2.0, 2.0), margin=0)
    assert (label(dataset) == 1).sum() == 4 * 24
    various = build(tmp_path, [masked(), masked(c1=np.s_[10:14, 10:16])], scale=(0.5, 2.0), margin=0)
    sizes = {int((label(various) == 1).sum()) for _ in range(60)}
    assert min(sizes) == 2 * 3
    assert 80 <= max(sizes) <= 4 * 24
    assert len(sizes) > 8


def test_prob_is_the_share_of_images_with_something_pasted(tmp_path):
    masks = [masked(), masked(c1=np.s_[3:6, 3:6])]
    never, often = (build(tmp_path / str(prob), masks, prob=prob) for prob in (0.0, 0.3))
    assert not any(label(never).any() for _ in range(20))
    assert 80 < sum(label(often).any() for _ in range(400)) < 160  # 120 ± 4.4 standard deviations


def test_the_rarest_class_is_pasted_as_often_as_the_commonest(tmp_path):
    common = masked(c1=np.s_[3:9, 3:9])
    dataset = build(tmp_path, [masked(), *[common] * 9, masked(c2=np.s_[3:5, 3:5])])
    counts = Counter(int(label(dataset).max()) for _ in range(300))
    assert set(counts) == {1, 2}
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_all_other_images_are_drawn_from(tmp_path):
    dataset = build(tmp_path, [masked(), *(masked(c1=np.s_[3:4, 0:length]) for length in range(1, 7))])
    counts = Counter(int((label(dataset) == 1).sum()) for _ in range(600))
    assert set(counts) == set(range(1, 7))
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_the_other_image_goes_through_the_steps_before(tmp_path):
    crop = dict(type='DefectCrop', crop_size=(8, 8), scale=(1.0, 1.0), prob=1.0)
    dataset = build(tmp_path, [masked(), masked(c1=np.s_[10:14, 10:30])], steps=(crop,))
    areas = {int((label(dataset) == 1).sum()) for _ in range(60)}
    assert label(dataset).shape == (8, 8)
    assert min(areas) < max(areas) == 4 * 8  # a window shows a part of the object, which is whole without


def keep_in_cache(root: Path) -> dict:
    """The options of a cache that keeps the files of ``root``, which are made old enough for it."""
    for path in root.rglob('*.png'):
        os.utime(path, (10**9, 10**9))
    return dict(folder=str(root / 'cache'), gb=1)


def test_pasting_changes_neither_files_nor_the_cache(tmp_path):
    masks = [masked(), masked(c1=np.s_[3:9, 3:9])]
    dataset = build(tmp_path, masks)
    loading, paste = dataset.pipeline.transforms
    loading.cache = ArrayCache(**keep_in_cache(tmp_path))
    assert all(label(dataset).any() for _ in range(5))
    assert list((tmp_path / 'cache').iterdir())
    paste.prob = 0.0
    assert np.array_equal(label(dataset, 0), masks[0])
    assert np.array_equal(label(dataset, 1), masks[1])


def test_a_crop_behind_it_finds_what_was_pasted(tmp_path):
    dataset = build(tmp_path, [masked((80, 80)), masked((80, 80), c1=np.s_[3:5, 3:5])])
    dataset.pipeline.transforms[0].cache = ArrayCache(**keep_in_cache(tmp_path))
    crop = DefectCrop((8, 8), scale=(1.0, 1.0), prob=1.0)
    dataset.pipeline.transforms.append(crop)
    assert all((label(dataset) == 1).any() for _ in range(20))


def loader(root: Path, seed: int):
    prefix = dict(img_path='img_dir/train', seg_map_path='ann_dir/train')
    steps = [dict(type='LoadPair'), dict(type='ClassCopyPaste', prob=1.0), dict(type='PackSegInputs')]
    dataset = dict(type='CheckedSegDataset', data_root=str(root), data_prefix=prefix, pipeline=steps)
    dataset['metainfo'] = dict(classes=NAMES)
    config = dict(batch_size=1, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset)
    return Runner.build_dataloader(config, seed)


def test_one_seed_gives_one_stream_and_workers_differ(tmp_path):
    root = make_dataset(tmp_path / 'set', classes=4, counts=dict(train=4))
    for kind, source in (('img_dir', 'train_000'), ('ann_dir', 'train_000')):  # the same pair at 0 and 1
        data = (root / kind / 'train' / f'{source}.png').read_bytes()
        (root / kind / 'train/train_001.png').write_bytes(data)
    runs = [[batch['inputs'][0] for batch in loader(root, seed)] for seed in (3, 3, 4)]
    assert all(a.equal(b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not all(a.equal(b) for a, b in zip(runs[0], runs[2], strict=True))
    assert not runs[0][0].equal(runs[0][1])  # the first draws of worker 0 and of worker 1


def test_parts_of_a_joined_set_paste_within_themselves(tmp_path):
    one = build(tmp_path / 'one', [masked(), masked(c1=np.s_[3:6, 3:6])])
    two = build(tmp_path / 'two', [masked(), masked(c2=np.s_[3:6, 3:6])])
    joined = ConcatDataset([one, two])
    for _ in range(10):
        assert set(np.unique(joined[0]['gt_seg_map'])) == {0, 1}
        assert set(np.unique(joined[2]['gt_seg_map'])) == {0, 2}


def test_a_set_without_the_classes_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'none of the 2 masks holds any of the classes \[2, 3\]'):
        build(tmp_path, [masked(), masked(c1=np.s_[3:6, 3:6])], classes=[2, 3])


def test_a_set_without_any_object_stays_as_it_is(tmp_path):
    assert not label(build(tmp_path, [masked(), masked()])).any()


def test_other_masks_are_refused_before_they_disagree(tmp_path):
    dataset = build(tmp_path, [masked(), masked(c1=np.s_[3:6, 3:6])])
    step = dataset.pipeline.transforms[-1]
    with pytest.raises(ValueError, match=r"cannot paste into \['gt_depth'\]"):
        step(dict(seg_fields=['gt_seg_map', 'gt_depth']))


def test_outside_of_a_data_sets_own_pipeline_it_says_so():
    with pytest.raises(ValueError, match='directly in the pipeline of a CheckedSegDataset'):
        ClassCopyPaste()(dict(seg_fields=['gt_seg_map']))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(blend='alpha'), "blend is one of none, feather, poisson, got 'alpha'"),
        (dict(position='left'), "position is one of anywhere, same, got 'left'"),
        (dict(prob=1.5), 'prob is between 0 and 1, got 1.5'),
        (dict(flip=-0.1), 'flip is between 0 and 1, got -0.1'),
        (dict(max_objects=0), 'max_objects is between 1 and inf, got 0'),
        (dict(min_pixels=0), 'min_pixels is between 1 and inf, got 0'),
        (dict(margin=-1), 'margin is between 0 and inf, got -1'),
        (dict(scale=(2, 1)), r'0 < lowest <= highest, got \(2, 1\)'),
        (dict(classes=[]), 'at least one'),
        (dict(classes=[1, 255]), 'never ignore_index 255'),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ClassCopyPaste(**options)


CAMVID = Path(os.environ.get('MMSEG_EXT_DATA', 'data'), 'camvid11')


@pytest.mark.skipif(not CAMVID.is_dir(), reason='MMSEG_EXT_DATA has no camvid11')
@pytest.mark.parametrize('blend', ['none', 'feather', 'poisson'])
def test_real_photographs_gain_pixels_of_rare_classes_and_lose_none(blend):
    rare = (2, 6, 9, 10)
    paste = dict(type='ClassCopyPaste', classes=rare, prob=1.0, blend=blend)
    plain, pasted = (
        CheckedSegDataset(
            data_root=str(CAMVID),
            data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
            metainfo=dict(classes=[str(k) for k in range(11)]),
            pipeline=[dict(type='LoadPair'), *steps],
        )
        for steps in ([], [paste])
    )
    gained = 0
    for index in range(8):
        before, after = plain[index], pasted[index]
        was = np.isin(before['gt_seg_map'], rare)
        assert np.array_equal(after['gt_seg_map'][was], before['gt_seg_map'][was])
        pasted_pixels = after['gt_seg_map'] != before['gt_seg_map']
        assert np.isin(after['gt_seg_map'][pasted_pixels], rare).all()
        if pasted_pixels.any():
            away = ndimage.distance_transform_edt(~pasted_pixels) >= 4  # the margin is 3
            assert np.array_equal(after['img'][away], before['img'][away])
        gained += pasted_pixels.sum()
    assert gained > 500

"""ClassBalancedSampler: how often each class and each image come, on one process and on several, and again."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from PIL import Image
from synthetic import class_names, make_dataset

from mmseg_ext.datasets import CheckedSegDataset
from mmseg_ext.datasets.samplers import ClassBalancedSampler, class_balanced
from mmseg_ext.datasets.transforms import class_presence
from mmseg_ext.errors import DataError

# Images 0 and 3 are free of defects (3 is ignored in part), 1 holds both classes, 2 only class 1.
MASKS = [{0}, {0, 1, 2}, {0, 1}, {0, 255}]


def build(root, split: str = 'train') -> CheckedSegDataset:
    prefix = dict(img_path=f'img_dir/{split}', seg_map_path=f'ann_dir/{split}')
    return CheckedSegDataset(data_root=str(root), data_prefix=prefix, metainfo=dict(classes=class_names(3)))


@pytest.fixture
def dataset(tmp_path) -> CheckedSegDataset:
    """Four images with the values of MASKS."""
    root = make_dataset(tmp_path / 'set', counts=dict(train=len(MASKS)))
    for index, values in enumerate(MASKS):
        mask = np.zeros((64, 80), np.uint8)
        for position, value in enumerate(sorted(values)):
            mask[0, position] = value
        Image.fromarray(mask).save(root / f'ann_dir/train/train_{index:03d}.png')
    return build(root)


def first(sampler: ClassBalancedSampler, count: int) -> list[int]:
    return list(islice(iter(sampler), count))


def of(present: list[set[int]], monkeypatch, **options) -> ClassBalancedSampler:
    """A sampler over images whose masks hold these values."""
    monkeypatch.setattr(class_balanced, 'classes_present', lambda dataset: [frozenset(each) for each in dataset])
    return ClassBalancedSampler(present, **{'seed': 0, **options})


def test_an_image_is_in_the_group_of_each_of_its_defects_or_is_free(dataset):
    present = class_balanced.classes_present(dataset)
    assert present == [frozenset(values) for values in MASKS]
    assert class_balanced.group_images(present) == {0: [0, 3], 1: [1, 2], 2: [1]}


def test_each_round_has_one_turn_a_class_and_one_for_free_images(dataset):
    sampler = ClassBalancedSampler(dataset, seed=0)
    stream = first(sampler, 3 * 1000)
    for start in range(0, len(stream), 3):
        free, class_1_or_2 = (
            [i for i in stream[start : start + 3] if (i in (0, 3)) == wanted] for wanted in (1, 0)
        )
        assert len(free) == 1
        assert Counter(class_1_or_2) in (Counter([1, 1]), Counter([1, 2]))
    # Image 1 alone has class 2 (1000 turns) and shares class 1 with image 2.
    assert Counter(stream) == {0: 500, 3: 500, 1: 1500, 2: 500}


def test_free_is_the_number_of_turns_for_images_without_a_defect(dataset):
    assert Counter(first(ClassBalancedSampler(dataset, free=4, seed=0), 6 * 10)) == {0: 20, 3: 20, 1: 15, 2: 5}
    assert set(first(ClassBalancedSampler(dataset, free=0, seed=0), 100)) == {1, 2}
    with pytest.raises(ValueError, match='free=-1'):
        ClassBalancedSampler(dataset, free=-1)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.frozensets(st.integers(0, 4)), min_size=1, max_size=12),
    st.integers(0, 3),
    st.integers(0, 2**31),
)
def test_classes_come_equally_often_and_so_do_the_images_of_each(present, free, seed):
    groups = class_balanced.group_images(present)
    turns = class_balanced._turns(groups, free)
    assert turns  # whatever the set holds, something is shown
    sampler = ClassBalancedSampler.__new__(ClassBalancedSampler)
    sampler.groups, sampler.turns, sampler.seed = groups, turns, seed
    rounds = 12
    drawn = list(islice(sampler._infinite_indices(), rounds * len(turns)))
    for index in range(len(present)):
        # Every group that an image is in shows it in each pass; a pass that is under way may or may not have.
        shares = [rounds * turns.count(name) / len(group) for name, group in groups.items() if index in group]
        assert sum(np.floor(shares)) <= drawn.count(index) <= sum(np.ceil(shares))


def test_a_set_without_defects_is_shuffled_and_one_without_free_images_takes_no_turn_for_them(monkeypatch):
    assert Counter(first(of([{0}, {0}, {0}], monkeypatch), 30)) == {0: 10, 1: 10, 2: 10}
    assert Counter(first(of([{0}, {0}], monkeypatch, free=0), 4)) == {0: 2, 1: 2}
    assert Counter(first(of([{0, 1}, {1}], monkeypatch, free=5), 10)) == {0: 5, 1: 5}


def test_one_seed_is_one_stream_and_another_is_another(monkeypatch):
    present = [{0, index % 3} for index in range(20)]
    streams = [first(of(present, monkeypatch, seed=seed), 60) for seed in (0, 0, 1)]
    assert streams[0] == streams[1] != streams[2]
    assert len(of(present, monkeypatch)) == 20


@pytest.mark.parametrize('world', [1, 2, 3])
def test_processes_take_turns_in_one_stream_and_go_on_where_they_stopped(world, monkeypatch):
    present = [{0, index % 3} for index in range(20)]
    whole = first(of(present, monkeypatch), 30 * world)
    for rank in range(world):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, world))
        mine = first(of(present, monkeypatch), 30)
        assert mine == whole[rank::world]
        resumed = of(present, monkeypatch)
        resumed.skip(12)
        assert first(resumed, 18) == mine[12:]


def test_joined_and_repeated_sets_are_seen_through_and_each_mask_is_read_once(dataset, tmp_path, monkeypatch):
    other = build(make_dataset(tmp_path / 'other', counts=dict(train=2)))
    read = []
    original = class_presence.read_mask
    monkeypatch.setattr(class_presence, 'read_mask', lambda path: read.append(path) or original(path))
    joined = ConcatDataset([dict(type='RepeatDataset', dataset=dataset, times=2), other])
    present = class_balanced.classes_present(joined)
    assert len(read) == len(set(read)) == 6
    assert present == [*map(frozenset, MASKS * 2), *class_balanced.classes_present(other)]
    assert len(present) == len(joined) == 10
    assert set(first(ClassBalancedSampler(joined, seed=0), 200)) == set(range(10))


def test_a_mask_that_cannot_be_read_is_named(dataset):
    path = dataset.get_data_info(2)['seg_map_path']
    with open(path, 'wb') as file:  # noqa: PTH123
        file.write(b'no image')
    with pytest.raises(DataError, match=r'train_002\.png.*restore it'):
        ClassBalancedSampler(dataset)


def test_a_loader_of_a_config_takes_it_with_the_runs_seed(dataset):
    init_default_scope('mmseg')
    loader = dict(batch_size=3, sampler=dict(type='ClassBalancedSampler', free=1), dataset=dataset, num_workers=0)
    dataset.pipeline.transforms.clear()
    runs = [Runner.build_dataloader(loader, seed=seed).sampler for seed in (5, 5, 6)]
    streams = [first(sampler, 30) for sampler in runs]
    assert streams[0] == streams[1] != streams[2]

"""Pairs of query and prompt: what is asked, what is answered, what is never shown, what is the same every time."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from pair_sets import CLASSES, CROP, LOAD, SIDE, build_pairs, set_config, write_set
from torch.utils.data import DataLoader

from mmseg_ext.errors import DataError, UsageError

SHOWN = dict(
    dot_1=[1], dot_2=[1], dot_3=[1], dot_4=[1], line_1=[2], line_2=[2], rim_1=[3], rim_2=[3], both_1=[1, 2],
    none_1=[],
)  # fmt: skip


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def root(tmp_path):
    return write_set(tmp_path / 'set', 'train', SHOWN)


def mask_of(path):
    return cv2.imread(path.replace('img_dir', 'ann_dir'), cv2.IMREAD_UNCHANGED)


def stem(path):
    return path.rpartition('/')[2].removesuffix('.png')


def samples(dataset):
    return [dataset[index]['data_samples'] for index in range(len(dataset))]


def test_a_test_has_each_query_with_a_positive_and_a_negative_prompt(root):
    found = samples(build_pairs(set_config(root), negative_ratio=0.1, test_mode=True))
    queries = [stem(sample.img_path) for sample in found]
    assert queries == [name for name in sorted(SHOWN) if SHOWN[name] for _ in range(2)]
    assert [sample.positive for sample in found] == [True, False] * 9
    for sample in found:
        types = {CLASSES[value] for value in SHOWN[stem(sample.img_path)]}
        assert sample.query_type == tuple(sorted(types))
        assert (sample.prompt_type in types) == sample.positive
        assert all(CLASSES.index(sample.prompt_type) in SHOWN[stem(path)] for path in sample.prompt_paths)
        assert sample.img_path not in sample.prompt_paths


def test_labels_are_what_the_prompt_asks_for(root):
    dataset = build_pairs(set_config(root), negative_ratio=1, test_mode=True)
    for index, sample in enumerate(samples(dataset)):
        asked, query = CLASSES.index(sample.prompt_type), mask_of(sample.img_path)
        expected = np.where(query == 255, 255, (query == asked) if sample.positive else 0)
        assert np.array_equal(sample.gt_sem_seg.data[0], expected)
        assert np.array_equal(sample.own_sem_seg.data[0], np.where(query == 255, 255, query > 0))
        prompt = mask_of(sample.prompt_paths[0])
        assert np.array_equal(sample.prompt_sem_seg.data[0], np.where(prompt == 255, 255, prompt == asked))
        assert (sample.prompt_sem_seg.data == 1).sum() == SIDE**2
        pixels = cv2.imread(sample.prompt_paths[0]).transpose(2, 0, 1)
        assert np.array_equal(sample.prompt_img.data, pixels)
        assert np.array_equal(dataset[index]['inputs'], cv2.imread(sample.img_path).transpose(2, 0, 1))


def test_without_negatives_every_pair_is_positive(root):
    assert all(sample.positive for sample in samples(build_pairs(set_config(root), test_mode=True)))


def pairs_of(dataset):
    return [(pair.query.path, pair.asked, [each.path for each in pair.prompts]) for pair in dataset.pairs]


def test_the_list_hangs_on_its_seed_alone(root):
    build = lambda seed: build_pairs(set_config(root), negative_ratio=0.5, test_mode=True, seed=seed)  # noqa: E731
    np.random.seed(1)
    first = pairs_of(build(0))
    np.random.seed(2)
    assert pairs_of(build(0)) == first
    assert pairs_of(build(1)) != first


def test_any_number_of_workers_sees_the_same_pairs(root):
    dataset = build_pairs(set_config(root), negative_ratio=0.5, test_mode=True)
    loaders = [DataLoader(dataset, 1, num_workers=count, collate_fn=pseudo_collate) for count in (0, 2)]
    alone, shared = ([batch['data_samples'][0].prompt_paths for batch in loader] for loader in loaders)
    assert alone == shared
    assert len(set(alone)) > 3


def test_prompts_of_a_query_are_distinct_and_of_one_size(tmp_path):
    root = write_set(tmp_path / 'set', 'train', SHOWN, sizes=dict(dot_1=(40, 90), dot_2=(60, 70)))
    dataset = build_pairs(set_config(root), types=['dot'], top_k=4, test_mode=True)
    for sample in samples(dataset):
        assert len({*sample.prompt_paths, sample.img_path}) == 5
        others = {'dot_1': (40, 90), 'dot_2': (60, 70)}
        sizes = [others.get(stem(path), (48, 64)) for path in sample.prompt_paths]
        height, width = (max(side) for side in zip(*sizes, strict=True))
        assert sample.prompt_sem_seg.data.shape == (4, height, width)
        assert sample.prompt_img.data.shape == (12, height, width)
        for label, image in zip(
            sample.prompt_sem_seg.data, sample.prompt_img.data.unflatten(0, (4, 3)), strict=True
        ):
            inside = image[0][label == 1].float()
            assert abs(inside.mean() - 40) < 5  # image and label are resized alike
            assert set(label.unique().tolist()) == {0, 1, 255}


def test_prompts_come_from_other_sets_where_these_are_named(root, tmp_path):
    write_set(root, 'test', dict(dot_9=[1], rim_9=[3]))
    dataset = build_pairs(set_config(root, 'test'), prompts=set_config(root), negative_ratio=1, test_mode=True)
    assert len(dataset) == 4
    assert all('/test/' in sample.img_path and '/train/' in sample.prompt_paths[0] for sample in samples(dataset))


def test_a_training_item_is_a_type_in_turn_and_a_photograph_in_turn(root):
    dataset = build_pairs(set_config(root), CROP)
    assert len(dataset) == 3 * 5  # dots and the photograph of two types, the longest list
    asked = [sample.prompt_type for sample in samples(dataset)]
    assert asked == ['dot', 'line', 'rim'] * 5
    queries = [stem(dataset.get_data_info(index)['img_path']) for index in range(15)]
    assert sorted(queries[::3]) == ['both_1', 'dot_1', 'dot_2', 'dot_3', 'dot_4']
    assert sorted(set(queries[1::3])) == ['both_1', 'line_1', 'line_2']
    assert len(build_pairs(set_config(root), length=70)) == 70


def test_training_crops_hold_what_they_should(root):
    dataset = build_pairs(set_config(root), CROP, negative_ratio=0.5, length=120)
    np.random.seed(0)
    found = samples(dataset)
    for sample in found:
        target, prompt = sample.gt_sem_seg.data, sample.prompt_sem_seg.data
        assert target.shape == prompt.shape == (1, 32, 32)
        assert sample.prompt_img.data.shape == (3, 32, 32)
        assert 'own_sem_seg' not in sample
        assert (prompt == 1).sum() >= 16
        assert sample.positive == bool((target == 1).any())
        assert sample.positive <= (sample.prompt_type in sample.query_type)
        assert sample.img_path not in sample.prompt_paths
    crop = dataset.sources[0].pipeline.transforms[1]
    assert (crop.prob, crop.classes, crop.min_pixels) == (0.5, None, 1)  # as the config says, after all aims
    negative = [sample for sample in found if sample.prompt_type not in sample.query_type]
    assert 40 <= len(negative) <= 80


def test_training_draws_from_the_generator_that_workers_seed(root):
    dataset = build_pairs(set_config(root), CROP, negative_ratio=0.5)

    def draw(seed):
        np.random.seed(seed)
        return torch.stack([sample.prompt_img.data for sample in samples(dataset)])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


def test_query_and_prompt_are_cropped_independently(root):
    np.random.seed(0)
    sample = [
        each for each in samples(build_pairs(set_config(root), CROP, types=['rim'], length=20)) if each.positive
    ]
    assert any(not torch.equal(each.gt_sem_seg.data, each.prompt_sem_seg.data) for each in sample)


def test_crops_aim_at_what_is_asked_for_among_other_defects(tmp_path):
    root = write_set(tmp_path / 'set', 'train', dict(one_1=[1, 2, 3], two_1=[1, 2, 3]))
    pipeline = copy.deepcopy(CROP)
    pipeline[1] |= dict(crop_size=12, scale=(1, 1), prob=1.0, min_pixels=1)  # too small for two of the squares
    pipeline[2] |= dict(size=(12, 12))
    for sample in samples(build_pairs(set_config(root), pipeline, length=30)):
        assert sample.positive
        assert (sample.prompt_sem_seg.data == 1).any()


def test_held_out_types_are_never_shown_in_training(root):
    np.random.seed(0)
    dataset = build_pairs(set_config(root), CROP, negative_ratio=0.5, hold_out=['line'], length=100)
    shown = {stem(path) for sample in samples(dataset) for path in (sample.img_path, *sample.prompt_paths)}
    assert shown == {name for name, values in SHOWN.items() if values and 2 not in values}


def test_only_these_types_are_asked_of_queries_but_any_of_negatives(root):
    dataset = build_pairs(set_config(root), types=['rim'], negative_ratio=1, test_mode=True)
    asked = [(stem(sample.img_path), sample.prompt_type) for sample in samples(dataset)]
    assert [query for query, _ in asked] == ['rim_1', 'rim_1', 'rim_2', 'rim_2']
    assert [kind == 'rim' for _, kind in asked] == [True, False] * 2


def test_types_of_several_sets_meet_or_are_renamed(root, tmp_path):
    other = write_set(tmp_path / 'other', 'train', dict(spot_1=[1], spot_2=[1]))
    names = [('background', 'dot'), ('background', 'spot')]
    same, renamed = (
        build_pairs([set_config(root), set_config(other, classes=each)], test_mode=True) for each in names
    )
    assert {pair.asked for pair in same.pairs} == {'dot', 'line', 'rim'}
    assert len(same.pool.by_type['dot']) == 7
    assert {pair.asked for pair in renamed.pairs} == {'dot', 'line', 'rim', 'spot'}
    assert all(len(pair.prompts) == 1 for pair in renamed.pairs)


def test_the_prefix_of_a_file_is_its_type(tmp_path):
    shown = dict(mouse_bite_000518=[1], mouse_bite_7=[1], short_1=[1], short_22=[1], short_3=[])
    root = write_set(tmp_path / 'set', 'train', shown)
    config = set_config(root, classes=('background', 'defect'))
    found = samples(build_pairs(config, type_by='prefix', negative_ratio=1, test_mode=True))
    assert [sample.query_type for sample in found] == [('mouse_bite',)] * 4 + [('short',)] * 4
    assert [sample.prompt_type == sample.query_type[0] for sample in found] == [True, False] * 4
    with pytest.raises(UsageError, match='hold_out: no type "mousebite"; did you mean mouse_bite'):
        build_pairs(config, type_by='prefix', hold_out=['mousebite'])


def test_any_other_photograph_may_be_the_prompt_and_masks_stay(root):
    dataset = build_pairs(set_config(root), pair_mode='any', top_k=2, test_mode=True)
    assert dataset.metainfo['classes'] == CLASSES
    assert len(dataset) == len(SHOWN)
    for sample in samples(dataset):
        assert np.array_equal(sample.gt_sem_seg.data[0], mask_of(sample.img_path))
        assert np.array_equal(sample.prompt_sem_seg.data[1], mask_of(sample.prompt_paths[1]))
        assert len({*sample.prompt_paths, sample.img_path}) == 3
    trained = samples(build_pairs(set_config(root), CROP, pair_mode='any', length=10))
    assert all(sample.gt_sem_seg.data.shape == (1, 32, 32) for sample in trained)


def test_two_classes_whatever_the_sets_have(root):
    assert build_pairs(set_config(root), lazy_init=True).metainfo['classes'] == ('background', 'defect')


def test_lazy_reads_nothing(tmp_path):
    dataset = build_pairs(set_config(tmp_path / 'nowhere'), lazy_init=True)
    with pytest.raises(DataError, match='no such folder'):
        dataset.full_init()


def test_steps_behind_packing_are_for_the_query(root):
    pipeline = [*LOAD, dict(type='SignedDistance')]
    assert samples(build_pairs(set_config(root), pipeline, test_mode=True))[0].gt_distance.data.shape[1:] == (
        48,
        64,
    )


@pytest.mark.parametrize(('arguments', 'line'), [
    (dict(pair_mode='pairs'), "pair_mode='pairs'; give one of type, any, mapping"),
    (dict(type_by='name'), "type_by='name'; give one of class, prefix"),
    (dict(negative_ratio=1.5), 'negative_ratio=1.5; give a share'),
    (dict(negative_ratio=0.5, pair_mode='any'), "set it to 0 with pair_mode='any'"),
    (dict(top_k=0), 'top_k=0; give 1 or more'),
    (dict(length=0), 'length=0'),
    (dict(min_pixels=0), 'min_pixels=0'),
    (dict(types=['lime']), 'types: no type "lime"; did you mean line'),
    (dict(hold_out=['background']), 'hold_out: no type "background"'),
    (dict(mapping='map.json'), "a file belongs to 'mapping'"),
    (dict(pair_mode='mapping'), "mapping=None with pair_mode='mapping'"),
])  # fmt: skip
def test_wrong_arguments_in_one_line(root, arguments, line):
    with pytest.raises(UsageError) as error:
        build_pairs(set_config(root), **arguments)
    assert line in str(error.value)
    assert '\n' not in str(error.value)


def test_wrong_sets_in_one_line(root):
    with pytest.raises(UsageError, match='no datasets'):
        build_pairs([])
    with pytest.raises(UsageError, match='has a pipeline; state it beside datasets'):
        build_pairs(dict(set_config(root), pipeline=LOAD))
    with pytest.raises(UsageError, match='BaseSegDataset is no CheckedSegDataset'):
        build_pairs(dict(set_config(root), type='BaseSegDataset'))
    two = [set_config(root), set_config(root, classes=('background', 'dot'))]
    with pytest.raises(UsageError, match='keeps mask values, but the sets have the classes'):
        build_pairs(two, pair_mode='any')


def test_too_few_prompts_of_a_type_are_named(tmp_path):
    root = write_set(tmp_path / 'set', 'train', dict(dot_1=[1], dot_2=[1], line_1=[2]))
    with pytest.raises(DataError, match=r'line_1.png: 0 other photographs show its type "line", 1 are needed'):
        build_pairs(set_config(root), test_mode=True)
    assert len(build_pairs(set_config(root), types=['dot'], test_mode=True)) == 2


def test_no_photograph_to_ask(root):
    with pytest.raises(DataError, match=r"no query of the types \['rim'\]; correct types"):
        build_pairs(set_config(root), types=['rim'], hold_out=['rim'])


def test_a_negative_without_any_other_type_is_positive(tmp_path):
    root = write_set(tmp_path / 'set', 'train', dict(dot_1=[1], dot_2=[1]))
    assert all(pair.positive for pair in build_pairs(set_config(root), negative_ratio=1, test_mode=True).pairs)
    trained = samples(build_pairs(set_config(root), CROP, negative_ratio=1, length=6))
    assert {sample.prompt_type for sample in trained} == {'dot'}


def test_a_photograph_without_a_mask(root):
    config = dict(set_config(root), data_prefix=dict(img_path='img_dir/train'))
    with pytest.raises(DataError, match=r'both_1.png \(10 in all\): a photograph without a mask shows no type'):
        build_pairs(config)


def test_a_mask_value_that_is_no_class(root):
    with pytest.raises(DataError, match=r'both_1.png: its mask has the value 2, but the 2 classes are 0..1'):
        build_pairs([set_config(root, classes=('background', 'dot'))], hold_out=['dot'])


def test_a_mask_of_another_size_is_named(root):
    path = root / 'ann_dir/train/dot_1.png'
    cv2.imwrite(str(path), np.ones((20, 20), np.uint8))
    dataset = build_pairs(set_config(root), types=['dot'], test_mode=True)
    with pytest.raises(DataError, match=r'dot_1.png.*20'):
        samples(dataset)


def test_crops_of_several_sizes_cannot_be_a_batch(tmp_path):
    root = write_set(tmp_path / 'set', 'train', dict(dot_1=[1], dot_2=[1]), sizes=dict(dot_1=(24, 40)))
    pipeline = [step for step in CROP if step['type'] != 'Pad']
    with pytest.raises(DataError, match=r"come out of the pipeline as .*; put dict\(type='Pad'"):
        samples(build_pairs(set_config(root), pipeline, length=10))


def test_a_pipeline_that_loses_every_prompt_says_so(root):
    pipeline = [dict(type='LoadPair'), dict(type='Resize', scale=(2, 2), keep_ratio=False), LOAD[-1]]
    with pytest.raises(DataError, match='nothing of "rim" is left of it behind the pipeline'):
        samples(build_pairs(set_config(root), pipeline, types=['rim']))

"""Mapping files: the same pairs there and back, and all that a file can name wrongly."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from pair_sets import CROP, build_pairs, set_config, write_set

from mmseg_ext.datasets.prompt_mapping import read_mapping
from mmseg_ext.errors import DataError, UsageError

TRAIN = dict(dot_1=[1], dot_2=[1], dot_3=[1], line_1=[2], line_2=[2], line_3=[2], both_1=[1, 2], both_2=[1, 2])
TEST = dict(dot_8=[1], line_8=[2], line_9=[2], rim_8=[3], none_8=[])


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def sets(tmp_path):
    root = write_set(tmp_path / 'set', 'train', dict(TRAIN, rim_1=[3], rim_2=[3]))
    write_set(root, 'test', TEST)
    return dict(datasets=set_config(root, 'test'), prompts=set_config(root), test_mode=True, top_k=2)


def mapped(path, content, sets, **arguments):
    Path(path).write_text(json.dumps(content), encoding='utf-8')
    return build_pairs(**dict(sets, pair_mode='mapping', mapping=str(path), **arguments))


def pairs_of(dataset):
    return [(pair.query.path, pair.asked, [each.path for each in pair.prompts]) for pair in dataset.pairs]


@pytest.mark.parametrize('seed', range(6))
def test_written_pairs_are_read_as_the_same_pairs(sets, tmp_path, seed):
    dataset = build_pairs(**sets, negative_ratio=1, seed=seed)
    files = [str(tmp_path / name) for name in ('positive.json', 'negative.json')]
    dataset.write_mapping(files[0])
    dataset.write_mapping(files[1], positive=False)
    again = build_pairs(**sets, pair_mode='mapping', mapping=files)
    assert pairs_of(again) == pairs_of(dataset)
    assert [pair.positive for pair in again.pairs] == [True, False] * 4
    assert again[1]['data_samples'].prompt_paths == dataset[1]['data_samples'].prompt_paths


def test_a_set_whose_photographs_show_several_types_keeps_them_through_a_file(tmp_path):
    root = write_set(tmp_path / 'set', 'train', {f'both_{number}': [1, 2] for number in range(4)} | TRAIN)
    for seed in range(8):
        dataset = build_pairs(set_config(root), test_mode=True, seed=seed, top_k=2)
        dataset.write_mapping(tmp_path / 'all.json')
        again = build_pairs(
            set_config(root), test_mode=True, top_k=2, pair_mode='mapping', mapping=str(tmp_path / 'all.json')
        )
        assert pairs_of(again) == pairs_of(dataset)


def test_the_file_is_what_the_source_of_the_format_writes(sets, tmp_path):
    build_pairs(**sets, types=['rim']).write_mapping(tmp_path / 'map.json')
    content = json.loads((tmp_path / 'map.json').read_text(encoding='utf-8'))
    assert {query: sorted(names) for query, names in content.items()} == {'rim_8.png': ['rim_1.png', 'rim_2.png']}


def test_names_go_with_or_without_suffix_and_foreign_folders(sets, tmp_path):
    content = {'dot_8': ['dot_1', '/elsewhere/dot_2.png'], 'line_8.png': ['line_1.png', 'dot_3', 'line_3']}
    with pytest.raises(DataError, match='show no type in common'):
        mapped(tmp_path / 'map.json', content, sets)
    content['line_8.png'] = ['both_1.png', 'line_3', 'dot_1']
    dataset = mapped(tmp_path / 'map.json', content, sets)
    assert [(Path(query).name, asked, [Path(each).stem for each in prompts]) for query, asked, prompts in
            pairs_of(dataset)] == [
        ('dot_8.png', 'dot', ['dot_1', 'dot_2']), ('line_8.png', 'line', ['both_1', 'line_3'])
    ]  # fmt: skip
    assert len(dataset[1]['data_samples'].prompt_paths) == 2  # the first top_k, whatever comes behind them


def test_a_negative_pair_is_one_whose_prompts_show_what_the_query_lacks(sets, tmp_path):
    dataset = mapped(tmp_path / 'map.json', {'none_8': ['dot_1', 'dot_2'], 'rim_8': ['line_1', 'line_2']}, sets)
    for index, asked in enumerate(['dot', 'line']):
        sample = dataset[index]['data_samples']
        assert (sample.prompt_type, sample.positive) == (asked, False)
        assert not (sample.gt_sem_seg.data == 1).any()


def test_all_missing_files_in_one_error(sets, tmp_path):
    content = {
        'dot_88.png': ['dot_1.png', 'lime_1.png'],
        'line_8.png': ['line_1', 'line_77'],
        'rim_8': ['rim_1'] * 2,
    }
    with pytest.raises(DataError) as error:
        mapped(tmp_path / 'map.json', content, sets)
    lines = [line.strip() for line in str(error.value).splitlines()]
    assert len(lines) == 3
    for line, role, near in zip(
        lines,
        ('query "dot_88.png"', 'prompt "lime_1.png"', 'prompt "line_77"'),
        ('dot_8.png', 'line_1.png', 'line_1.png'),
        strict=True,
    ):
        assert line.startswith(f'{tmp_path / "map.json"}: {role}: no such photograph in the data sets (near: ')
        assert near in line


def test_a_name_of_two_photographs_takes_a_path(sets, tmp_path):
    other = write_set(tmp_path / 'other', 'train', dict(dot_1=[1], dot_7=[1]))
    sets['prompts'] = [sets['prompts'], set_config(other)]
    with pytest.raises(DataError, match=r'prompt "dot_1.png": 2 photographs have this name; write the path'):
        mapped(tmp_path / 'map.json', {'dot_8.png': ['dot_1.png', 'dot_7.png']}, sets)
    path = str(other / 'img_dir/train/dot_1.png')
    dataset = mapped(tmp_path / 'map.json', {'dot_8.png': [path, 'dot_7.png']}, sets)
    assert pairs_of(dataset)[0][2][0] == path
    dataset.write_mapping(tmp_path / 'again.json')
    assert read_mapping(tmp_path / 'again.json') == {'dot_8.png': [path, 'dot_7.png']}


def test_too_few_prompts_in_the_file(sets, tmp_path):
    with pytest.raises(DataError, match=r'map.json: "dot_8": 1 prompts, top_k is 2; name more, or lower top_k'):
        mapped(tmp_path / 'map.json', {'dot_8': ['dot_1']}, sets)


@pytest.mark.parametrize('content', [
    [], {}, {'dot_8': 'dot_1'}, {'dot_8': []}, {'dot_8': [1]}, {'dot_8': {'dot_1': 2}},
])  # fmt: skip
def test_what_is_no_mapping(sets, tmp_path, content):
    with pytest.raises(UsageError, match=r'map.json: .*a mapping is \{"query.png": \["prompt.png", …\], …\}'):
        mapped(tmp_path / 'map.json', content, sets)


def test_a_missing_or_damaged_file(sets, tmp_path):
    with pytest.raises(UsageError, match='no such mapping'):
        read_mapping(tmp_path / 'map.json')
    (tmp_path / 'map.json').write_text('{"dot_8": ', encoding='utf-8')
    with pytest.raises(UsageError, match='no JSON, or damaged'):
        read_mapping(tmp_path / 'map.json')


def test_training_by_a_mapping_shows_only_what_it_names(sets, tmp_path):
    root = sets['prompts']['data_root']
    sets |= dict(datasets=set_config(root), test_mode=False, top_k=1, pipeline=CROP)
    content = {'dot_1': ['dot_2', 'dot_3'], 'dot_2': ['dot_3'], 'line_1': ['both_1', 'line_2']}
    dataset = mapped(tmp_path / 'map.json', content, sets, length=40)
    np.random.seed(0)
    shown = {}
    for index in range(40):
        sample = dataset[index]['data_samples']
        shown.setdefault(Path(sample.img_path).stem, set()).add(Path(sample.prompt_paths[0]).stem)
    assert shown == {query: set(names) for query, names in content.items()}


def test_held_out_types_leave_a_mapping_too(sets, tmp_path):
    content = {'dot_8': ['dot_1', 'both_1'], 'line_8': ['line_1', 'line_2'], 'rim_8': ['rim_1', 'rim_2']}
    kept = mapped(tmp_path / 'map.json', content, sets, hold_out=['line'])
    assert [asked for _, asked, _ in pairs_of(kept)] == ['rim']
    only = mapped(tmp_path / 'map.json', content, sets, types=['dot'])
    assert [asked for _, asked, _ in pairs_of(only)] == ['dot']
    for test_mode in (True, False):
        with pytest.raises(DataError, match=r"no query of the types \['rim'\]"):
            mapped(
                tmp_path / 'map.json', content, dict(sets, test_mode=test_mode), types=['rim'], hold_out=['rim']
            )


def test_what_cannot_be_written(sets, tmp_path):
    with pytest.raises(UsageError, match=r'map.json: there are no such pairs to write'):
        build_pairs(**sets).write_mapping(tmp_path / 'map.json', positive=False)
    with pytest.raises(UsageError, match='training draws its pairs'):
        build_pairs(**dict(sets, test_mode=False)).write_mapping(tmp_path / 'map.json')
    both = mapped(tmp_path / 'map.json', {'dot_8': ['dot_1', 'dot_2']}, sets)
    both.pairs *= 2
    with pytest.raises(UsageError, match='two pairs of one query'):
        both.write_mapping(tmp_path / 'out.json')
    assert not (tmp_path / 'out.json').exists()

"""The bases of pairs and how the rest of the project walks through them: folders, hash, check, pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from pair_sets import CROP, LOAD, set_config, write_set

from mmseg_ext.datasets.sources import dataset_leaves, from_config
from mmseg_ext.engine.preflight import data_problems, dataset_configs, dataset_folders
from mmseg_ext.engine.recipe import data_hash
from mmseg_ext.errors import UsageError
from mmseg_ext.reports.browse import open_view, raw_statistics
from mmseg_ext.reports.browse_pictures import cell, strip

CONFIGS = Path(__file__).parents[2] / 'configs/_base_'
BASES = ('defect_types', 'defect_types_unseen', 'demo_words', 'demo_words_unseen', 'seggpt_pairs')
TILES = {'blowhole', 'break', 'crack', 'fray', 'uneven'}


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.mark.parametrize('name', BASES)
def test_contract(name, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', '/elsewhere')
    cfg = Config.fromfile(CONFIGS / f'datasets/{name}.py')
    loaders = {f'{split}_dataloader' for split in ('train', 'val', 'test')}
    assert set(cfg) == {'num_classes', 'val_evaluator', 'test_evaluator', *loaders}
    assert cfg.val_evaluator == cfg.test_evaluator == {'type': 'PromptedMetric'}
    for split in ('train', 'val', 'test'):
        (leaf,) = dataset_configs(cfg, split)
        assert 'pipeline' not in leaf
        assert leaf.get('test_mode', False) == (split != 'train')
        rendered = name.startswith('demo_words')  # like demo_blade always in data
        root = 'data/demo_words' if rendered else '/elsewhere'
        folders = [path.relative_to(root).as_posix() for path in dataset_folders(leaf)]
        own = {'images', 'words'} if rendered else {split, 'train'}
        assert {path.rpartition('/')[2] for path in folders} == own
        assert len(folders) == len(set(folders))
        built = DATASETS.build(dict(leaf, lazy_init=True))
        assert len(built.metainfo['classes']) == len(built.metainfo['palette']) == cfg.num_classes == 2


@pytest.mark.parametrize(('name', 'side'), [('prompt_448', 448), ('prompt_128', 128)])
def test_pipelines_give_one_size_and_test_on_whole_images(name, side):
    cfg = Config.fromfile(CONFIGS / f'pipelines/{name}.py')
    steps = {step['type']: step for step in cfg.train_pipeline}
    assert cfg.crop_size == steps['DefectCrop'].crop_size == steps['Pad'].size == (side, side)
    assert [step['type'] for step in cfg.test_pipeline] == [
        'LoadImageFromFile',
        'LoadAnnotations',
        'PackSegInputs',
    ]


@pytest.fixture
def root(tmp_path):
    shown = dict(dot_1=[1], dot_2=[1], line_1=[2], line_2=[2])
    return write_set(write_set(tmp_path / 'set', 'train', shown), 'test', shown)


def recipe(root, **test):
    prompts = dict(prompts=set_config(root), negative_ratio=1, test_mode=True, pipeline=LOAD)
    train = dict(type='PromptPairDataset', datasets=set_config(root), negative_ratio=0.5, pipeline=CROP)
    test = dict(type='PromptPairDataset', datasets=set_config(root, 'test'), **dict(prompts, **test))
    loader = dict(batch_size=2, num_workers=0)
    return Config(
        dict(
            num_classes=2,
            train_dataloader=dict(loader, sampler=dict(type='InfiniteSampler', shuffle=True), dataset=train),
            test_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False), dataset=test),
            model=dict(data_preprocessor=dict(type='BatchDataPreProcessor', size=(32, 32), seg_pad_val=255)),
        )
    )


def test_pairs_are_one_data_set_with_the_folders_of_all(root):
    cfg = recipe(root)
    (leaf,) = dataset_leaves(
        dict(dataset=dict(type='RepeatDataset', times=2, dataset=cfg.test_dataloader.dataset))
    )
    assert leaf.type == 'PromptPairDataset'
    folders = [f'{folder}/{split}' for split in ('test', 'train') for folder in ('img_dir', 'ann_dir')]
    assert [path.relative_to(root).as_posix() for path in dataset_folders(leaf)] == folders


def test_a_mapping_is_part_of_what_was_judged(root, tmp_path):
    file = tmp_path / 'map.json'
    leaf = recipe(root, pair_mode='mapping', mapping=str(file)).test_dataloader.dataset
    hashes = []
    for prompt in ('dot_1', 'dot_2', 'dot_1'):
        file.write_text(f'{{"dot_1": ["{prompt}"]}}', encoding='utf-8')
        hashes.append(data_hash(dataset_folders(leaf)))
    assert hashes[0] == hashes[2] != hashes[1]


def test_the_check_before_a_run_looks_at_queries_and_prompts(root):
    leaf = recipe(root).test_dataloader.dataset
    build = lambda: DATASETS.build(dict(leaf, pipeline=[], lazy_init=True))  # noqa: E731
    assert data_problems('test', build()) == []
    (root / 'ann_dir/train/dot_2.png').unlink()
    (root / 'img_dir/test/line_1.png').unlink()
    lines = data_problems('test', build())
    assert len(lines) == 2
    assert 'test/line_1.png: mask without image' in lines[0]
    assert 'train/dot_2.png: image without mask' in lines[1]


def test_a_config_of_pairs_is_checked_by_its_sets(root, tmp_path):
    recipe(root).dump(tmp_path / 'pairs.py')
    with pytest.raises(UsageError, match=f'check those, each by its folder: {root}'):
        from_config(tmp_path / 'pairs.py')


def test_pictures_show_prompts_beside_the_query(root):
    cfg = recipe(root)
    view = open_view(cfg, 'train', seed=1)
    for number, seen in enumerate(view.samples(6)):
        ((image, label),) = seen.prompts
        assert image.shape == (32, 32, 3)
        assert (label == 1).any()
        alone = strip(type(seen)(**{**vars(seen), 'prompts': ()}), view.meta['palette'])
        assert strip(seen, view.meta['palette']).shape[1] > alone.shape[1]
        assert cell(number, seen, view.meta['palette']).shape[1] > 2 * 32
    assert raw_statistics(cfg, 'train') is None


DATA = os.environ.get('MMSEG_EXT_DATA')


@pytest.mark.skipif(
    not DATA or not {'magnetic_tile', 'crackforest'} <= {path.name for path in Path(DATA).iterdir()},
    reason='MMSEG_EXT_DATA names no folder with magnetic_tile and crackforest',
)
@pytest.mark.parametrize('name', ['defect_types', 'defect_types_unseen'])
def test_real_photographs(name):
    """Types, sizes of crops and what is held out on the real sets."""
    cfg = Config.fromfile(CONFIGS / f'datasets/{name}.py')
    pipelines = Config.fromfile(CONFIGS / 'pipelines/prompt_128.py')
    train, test = (
        DATASETS.build(dict(cfg[f'{split}_dataloader'].dataset, pipeline=pipelines[f'{split}_pipeline']))
        for split in ('train', 'test')
    )
    unseen = {'blowhole'} if 'unseen' in name else set()
    assert set(train.turns) == TILES - unseen | {'road crack'}
    assert {pair.asked for pair in test.pairs if pair.positive} == (unseen or TILES | {'road crack'})
    np.random.seed(0)  # noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker
    for index in range(24):
        sample = train[index]['data_samples']
        assert not {*sample.query_type, sample.prompt_type} & unseen
        assert sample.gt_sem_seg.data.shape == sample.prompt_sem_seg.data.shape == (1, 128, 128)
        assert (sample.prompt_sem_seg.data == 1).any()

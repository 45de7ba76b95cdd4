"""The data-set bases of configs/: one contract, no class list that disagrees, no copied loader."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from synthetic import make_dataset

import mmseg_ext.datasets  # noqa: F401 (registers the classes)
from mmseg_ext.datasets.sources import from_config
from mmseg_ext.engine.overrides import load_config

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
# Held to another contract: test_prompt_bases.py.
PAIRS = {'defect_types', 'defect_types_unseen', 'demo_words', 'demo_words_unseen', 'seggpt_pairs'}
BASES = {path.stem: path for path in sorted(FOLDER.glob('[!_]*.py')) if path.stem not in PAIRS}
EDITED = [name for name in BASES if name.startswith('wta_512_')]
CRACKS = {'cracktree260', 'crkwh100', 'crackls315', 'stone331', 'crack500', 'crackforest', 'deepcrack'}
CRACK_SCORES = [
    {'type': 'DefectMetric'},
    {'type': 'ThresholdMetric', 'protocol': 'deepcrack_tip', 'tolerance': 2},
    {'type': 'ThresholdMetric', 'protocol': 'macro', 'tolerance': 0},
]
SCENE_SCORES = [{'type': 'DefectMetric'}, {'type': 'BoundaryMetric', 'tolerance': 2}]
SCORES = dict.fromkeys(CRACKS, CRACK_SCORES) | dict.fromkeys(('camvid11', 'indoor'), SCENE_SCORES)
KEYS = {'num_classes', 'val_evaluator', 'test_evaluator'} | {f'{s}_dataloader' for s in ('train', 'val', 'test')}
MINE = """
_base_ = './_loaders.py'
num_classes = 3
mine = dict(type='CheckedSegDataset', data_root={root!r}, metainfo=dict(classes=('background', 'scratch', 'dent')))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=mine)
del mine
"""


def test_all_sets_are_there():
    assert set(BASES) == {
        'wta_512', 'wta_256', 'cracktree260', 'crkwh100', 'crackls315', 'stone331', 'crack500', 'crackforest',
        'deepcrack', 'seggpt', 'indoor', 'camvid11', 'magnetic_tile', 'demo_blade', 'wta_512_scratch',
        'wta_512_rust', 'wta_512_peeling', 'wta_512_corrosion', 'wta_512_blistering', 'wta_512_dent',
        'wta_512_peeling_relabeled',
    }  # fmt: skip


@pytest.mark.parametrize('name', BASES)
def test_contract(name, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', '/elsewhere')
    cfg = Config.fromfile(BASES[name])
    assert set(cfg) == KEYS
    assert len(BASES[name].read_text().splitlines()) <= 20
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        assert 'pipeline' not in loader.dataset
        prefix = {'img_path': f'img_dir/{split}', 'seg_map_path': f'ann_dir/{split}'}
        assert loader.dataset.data_prefix == prefix
        folder = 'wta_512' if name in EDITED and split != 'train' else name
        root = 'data' if name == 'demo_blade' else '/elsewhere'
        assert loader.dataset.data_root == f'{root}/{folder}'
        data = DATASETS.build({**loader.dataset, 'lazy_init': True})
        assert len(data.metainfo['classes']) == len(data.metainfo['palette']) == cfg.num_classes
        sampler = {
            'type': 'InfiniteSampler' if split == 'train' else 'DefaultSampler',
            'shuffle': split == 'train',
        }
        assert loader.sampler == sampler
        assert loader.batch_size == (8 if split == 'train' else 1)
    assert cfg.val_evaluator == cfg.test_evaluator == SCORES.get(name, {'type': 'DefectMetric'})


def test_without_the_variable_the_root_is_data(monkeypatch):
    monkeypatch.delenv('MMSEG_EXT_DATA', raising=False)
    assert Config.fromfile(BASES['wta_512']).test_dataloader.dataset.data_root == 'data/wta_512'


def test_a_set_of_ones_own_takes_one_short_file(tmp_path):
    text = MINE.format(root=str(make_dataset(tmp_path / 'mine')))
    assert len(text.strip().splitlines()) <= 15
    for name, content in (('_loaders.py', (FOLDER / '_loaders.py').read_text()), ('mine.py', text)):
        (tmp_path / name).write_text(content)
    source = from_config(tmp_path / 'mine.py')
    assert (source.name, source.classes, source.problems) == ('mine', ('background', 'scratch', 'dent'), [])
    assert [len(matching.pairs) for matching in source.splits.values()] == [4, 2, 2]


def test_a_recipe_takes_its_pipelines_and_any_base_by_swap(tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', '/elsewhere')
    recipe = tmp_path / 'recipe.py'
    recipe.write_text(f"""
_base_ = ['{BASES['wta_512']}']
classes_seen = _base_.num_classes
train_dataloader = dict(dataset=dict(pipeline=[dict(type='Load')]))
""")
    for name, count in (('wta_512_dent', 3), ('indoor', 10), ('camvid11', 11)):
        cfg = load_config(recipe, [f'datasets={name}'])
        assert cfg.classes_seen == count
        assert cfg.train_dataloader.dataset.data_root == f'/elsewhere/{name}'
        assert cfg.train_dataloader.dataset.pipeline == [{'type': 'Load'}]
        assert 'pipeline' not in cfg.val_dataloader.dataset

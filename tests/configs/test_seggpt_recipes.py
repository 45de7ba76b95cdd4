"""Every recipe of SegGPT is a complete run under its own name, alone and with its parts swapped."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import HOOKS, METRICS, MODELS

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.cli import KEYS
from mmseg_ext.engine.names import type_problems
from mmseg_ext.engine.overrides import load_config, read_recipe
from mmseg_ext.engine.preflight import class_problems, crop_problems
from mmseg_ext.engine.recipe import computed_name, recipe_name

pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
LEAVES = sorted((CONFIGS / 'seggpt').glob('*.py'))
TRAINED = [leaf for leaf in LEAVES if 'zeroshot' not in leaf.stem]
SMALL = [leaf for leaf in LEAVES if 'small' in leaf.stem]
PAIRED = ('defect_types', 'defect_types_unseen', 'seggpt_pairs')


def identity(path: Path) -> str:
    return path.stem


def complete(cfg: Config) -> None:
    init_default_scope('mmseg')
    assert [key for key in KEYS if key not in cfg] == []
    assert type_problems(cfg) == []
    assert list(class_problems(cfg.model, {'data': cfg.num_classes})) == []
    assert list(crop_problems(cfg)) == []
    assert cfg.model.data_preprocessor.size == cfg.crop_size
    assert cfg.model.data_preprocessor.test_cfg is None
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.pipeline
    for metric in cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]:
        METRICS.build(metric)
    for hook in cfg.get('custom_hooks', []):
        HOOKS.build(hook)


def test_there_is_a_recipe_for_each_mode():
    assert {load_config(leaf).model.mode for leaf in LEAVES} == {'finetune', 'incontext', 'zeroshot'}
    assert len(SMALL) == 2


@pytest.mark.parametrize('leaf', TRAINED, ids=identity)
def test_the_name_of_a_recipe_is_what_its_bases_say(leaf):
    assert leaf.stem == computed_name(read_recipe(leaf).bases, load_config(leaf))


@pytest.mark.parametrize('leaf', LEAVES, ids=identity)
def test_mmengine_alone_reads_a_recipe_as_the_complete_run(leaf):
    cfg = Config.fromfile(leaf)
    assert cfg.to_dict() == load_config(leaf).to_dict()
    complete(cfg)
    assert leaf.name in leaf.read_text(encoding='utf-8')  # the launch line in its header


@pytest.mark.parametrize('leaf', LEAVES, ids=identity)
def test_a_recipe_with_other_data_is_complete_and_has_another_name(leaf):
    incontext = 'incontext' in leaf.stem
    names = set()
    for name in ('magnetic_tile', 'camvid11') if incontext else PAIRED:
        cfg = load_config(leaf, [f'datasets={name}'])
        complete(cfg)
        assert cfg.model.num_classes == Config.fromfile(CONFIGS / f'_base_/datasets/{name}.py').num_classes
        names.add(recipe_name(leaf, [f'datasets={name}']))
    assert len(names) == (2 if incontext else 3)
    assert all(('magnetic_tile' in name or 'camvid11' in name) is incontext for name in names)


@pytest.mark.parametrize('leaf', SMALL, ids=identity)
def test_the_small_network(leaf):
    cfg = load_config(leaf)
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    assert (model.network.size, model.network.size) == cfg.crop_size
    learnt = sum(each.numel() for each in model.parameters() if each.requires_grad)
    assert learnt == (2 * 3 * 128 * 128 if 'incontext' in leaf.stem else 6_000_547)


def test_a_large_prompt_is_tuned_without_decay():
    cfg = load_config(CONFIGS / 'seggpt/seggpt_vit-large_incontext_1xb4-1k_prompt_crackforest-448x448.py')
    assert cfg.optim_wrapper.optimizer.weight_decay == 0
    assert cfg.crop_size == (448, 448)

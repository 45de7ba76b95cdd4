"""Every leaf is a complete run under its own name, alone and with its parts swapped."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS, MODELS

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.cli import KEYS
from mmseg_ext.engine.names import type_problems
from mmseg_ext.engine.overrides import load_config, read_recipe
from mmseg_ext.engine.preflight import class_problems
from mmseg_ext.engine.recipe import computed_name

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
ELSEWHERE = ('_base_', 'seggpt')  # parts, and recipes without heads and losses: test_seggpt_recipes.py
ALL = sorted(file for file in CONFIGS.glob('*/*.py') if file.parent.name not in ELSEWHERE)
LEAVES = [file for file in ALL if file.parent.name != 'quick']
CRACK_LEAVES = [file for file in LEAVES if '_cracktree260-' in file.stem]  # of one logit
LOSSES = sorted(file.stem for file in (CONFIGS / '_base_/losses').glob('[!_]*.py'))
SWAPS = [
    *(f'losses={name}' for name in LOSSES),
    'datasets=magnetic_tile losses=focal_any',
    'datasets=crackforest losses=dice_ce',
    'pipelines=crop_256',
]
CRACK_SETS = sorted(
    file.stem for file in (CONFIGS / '_base_/datasets').glob('*.py') if '_cracks' in file.read_text()
)
CRACK_PIPELINES = sorted(file.stem for file in (CONFIGS / '_base_/pipelines').glob('crack_*.py'))
CRACK_SWAPS = [
    *(f'datasets={name}' for name in CRACK_SETS),
    *(f'pipelines={name}' for name in CRACK_PIPELINES),
    'losses=bce',
]


def identity(path: Path) -> str:
    return path.stem


def heads(cfg: Config) -> list:
    """All heads of a model: the one that decodes, then the auxiliary ones."""
    return [cfg.model.decode_head, *cfg.model.auxiliary_head]


def complete(cfg: Config) -> None:
    """Assert that ``cfg`` has all it needs, and that its heads have the losses and classes it names."""
    init_default_scope('mmseg')
    assert [key for key in KEYS if key not in cfg] == []
    assert type_problems(cfg) == []
    assert list(class_problems(cfg.model, {'data': cfg.num_classes})) == []
    assert cfg.model.data_preprocessor.size == cfg.crop_size
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.pipeline
        assert 'data_root' in cfg[f'{split}_dataloader'].dataset
    for metric in cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]:
        METRICS.build(metric)
    assert [head.num_classes for head in heads(cfg)] == [cfg.num_classes] * len(heads(cfg))
    losses = [head.loss_decode for head in heads(cfg)]
    assert losses == [cfg.loss_decode] + [cfg.aux_loss_decode] * (len(losses) - 1)
    for loss in losses:
        for term in loss if isinstance(loss, list) else [loss]:
            assert MODELS.build(term).loss_name.startswith('loss_')


def test_there_are_recipes_and_losses_to_test():
    assert LEAVES
    assert len(ALL) > len(LEAVES)
    assert len(LOSSES) >= 8
    assert len(CRACK_SETS) == 7
    assert {'unet', 'unetpp', 'attention_unet', 'hrsegnet'} == {file.parent.name for file in CRACK_LEAVES}


@pytest.mark.parametrize('leaf', LEAVES, ids=identity)
def test_the_name_of_a_leaf_is_what_its_bases_say(leaf):
    assert leaf.stem == computed_name(read_recipe(leaf).bases, load_config(leaf))
    assert leaf.stem.startswith(leaf.parent.name)
    assert leaf.name in leaf.read_text(encoding='utf-8')  # the launch line in its header


@pytest.mark.parametrize('leaf', ALL, ids=identity)
def test_mmengine_alone_reads_a_leaf_as_the_complete_run(leaf, request):
    cfg = Config.fromfile(leaf)
    assert cfg.to_dict() == load_config(leaf).to_dict()
    complete(cfg)
    if cfg.model.type == 'SMPSegmentor':
        request.getfixturevalue('smp')
    model = MODELS.build(cfg.model)
    assert sum(parameter.numel() for parameter in model.parameters()) > 1000


@pytest.mark.parametrize(
    ('leaf', 'swaps'),
    [
        *((leaf, swaps) for leaf in LEAVES if leaf not in CRACK_LEAVES for swaps in SWAPS),
        *((leaf, swaps) for leaf in CRACK_LEAVES for swaps in CRACK_SWAPS),
    ],
    ids=lambda each: each.stem if isinstance(each, Path) else None,
)
def test_a_swapped_leaf_is_complete_too(leaf, swaps):
    cfg = load_config(leaf, swaps.split())
    complete(cfg)
    for swap in swaps.split():
        wanted = Config.fromfile(CONFIGS / '_base_' / f'{swap.replace("=", "/")}.py')
        shared = [key for key in ('loss_decode', 'num_classes', 'crop_size') if key in wanted]
        assert shared
        assert all(cfg[key] == wanted[key] for key in shared)


def test_trackers_are_one_line_of_config():
    base = Config.fromfile(CONFIGS / '_base_/default_runtime.py')
    assert [backend.type for backend in base.visualizer.vis_backends] == [
        'LocalVisBackend',
        'TensorboardVisBackend',
    ]
    text = (CONFIGS / '_base_/default_runtime.py').read_text(encoding='utf-8')
    line = next(line for line in text.splitlines() if 'WandbVisBackend' in line)
    spoken = Config.fromstring(line.lstrip('# '), '.py')
    assert spoken.visualizer.vis_backends[1].type == 'WandbVisBackend'
    assert type_problems(spoken) == []

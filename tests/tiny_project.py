"""A project of seconds for the tests of the engine and its tools: configs, data and a recipe in a tmp folder.

from tiny_project import make_project
project = make_project(tmp_path)          # a Project: .recipe, .data, .config(...), .root
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from synthetic import make_dataset

from mmseg_ext.engine.overrides import load_config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
LEAF = 'fast_scnn/fast_scnn_focal_1xb8-40k_wta_512-512x512.py'
SWAPS = ('datasets=mine', 'losses=dice_ce', 'pipelines=crop_64', 'schedules=adamw_6')
DATASET = """
_base_ = './_loaders.py'
num_classes = 3
metainfo = dict(classes=['background', 'blob1', 'blob2'])
dataset = dict(type='CheckedSegDataset', data_root='{root}', metainfo=metainfo)
train_dataloader = dict(dataset=dataset, batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = test_dataloader = dict(dataset=dataset, num_workers=0, persistent_workers=False)
del dataset, metainfo
"""
SCHEDULE = """
_base_ = './_iterations.py'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=0, end=6)]
train_cfg = dict(max_iters=6, val_interval=3)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
"""


@dataclass
class Project:
    """``recipe`` under ``root`` trains six iterations on the five images in ``data``."""

    root: Path
    data: Path
    recipe: Path

    def config(self, **options: Any) -> Config:
        """The merged config, named; options are overrides with ``__`` for each dot."""
        cfg = load_config(
            self.recipe, cfg_options={key.replace('__', '.'): value for key, value in options.items()}
        )
        cfg.run = ConfigDict(recipe='tiny', amp=False)
        return cfg


def make_project(root: Path) -> Project:
    """Copy the configs, draw the data and write the recipe ``configs/tiny/tiny.py``, swapped onto all of it."""
    data = make_dataset(root / 'data/mine', counts=dict(train=5, val=3, test=3))
    shutil.copytree(CONFIGS, root / 'configs')
    base = root / 'configs/_base_'
    (base / 'datasets/mine.py').write_text(DATASET.format(root=data), encoding='utf-8')
    crop = (base / 'pipelines/crop_256.py').read_text(encoding='utf-8').replace('256', '64')
    (base / 'pipelines/crop_64.py').write_text(crop, encoding='utf-8')
    (base / 'schedules/adamw_6.py').write_text(SCHEDULE, encoding='utf-8')
    text = (root / 'configs' / LEAF).read_text(encoding='utf-8')
    for name, other in (
        ('wta_512', 'mine'),
        ('focal', 'dice_ce'),
        ('crop_512', 'crop_64'),
        ('adamw_40k', 'adamw_6'),
    ):
        text = text.replace(f'/{name}.py', f'/{other}.py')
    recipe = root / 'configs/tiny/tiny.py'
    recipe.parent.mkdir()
    recipe.write_text(text, encoding='utf-8')
    return Project(root, data, recipe)


def copy_project(project: Project, folder: Path) -> Project:
    """The same project in ``folder``, recipe and data included, for a test that changes them."""
    shutil.copytree(project.data, folder / 'mine')
    shutil.copytree(project.root / 'configs', folder / 'configs')
    base = folder / 'configs/_base_/datasets/mine.py'
    base.write_text(base.read_text().replace(str(project.data), str(folder / 'mine')))
    return Project(folder, folder / 'mine', folder / 'configs/tiny/tiny.py')

"""Runs that nobody had to train on several tiny data sets, for the tests of cross evaluation.

from cross_runs import add_run, make_sets
project = make_sets(tmp_path)                                  # sets "mine" and "other", their bases, a recipe
add_run(project, 'mine', tmp_path / 'runs/mine/seed1', seed=1)

The networks have a single logit; their closing validation has chosen a threshold.
"""

import copy
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from synthetic import make_dataset
from tiny_project import Project, make_project
from untrained_run import UNET, random_weights

from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import save_config

LOGIT = dict(num_classes=2, out_channels=1, threshold=0.5, loss_decode=dict(type='BCEDiceLoss'))
BASE = """
_base_ = './_loaders.py'
num_classes = {classes}
dataset = dict(type='CheckedSegDataset', data_root='{root}', metainfo=dict(classes={names}))
train_dataloader = dict(dataset=dataset, batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = test_dataloader = dict(dataset=dataset, num_workers=0, persistent_workers=False)
val_evaluator = test_evaluator = [dict(type='DefectMetric'), dict(type='ThresholdMetric', protocol='macro')]
del dataset
"""


def make_sets(root: Path, names: tuple[str, ...] = ('mine', 'other'), classes: int = 2) -> Project:
    """A project with a data set and its base for each name."""
    project = make_project(root)
    for index, name in enumerate(names):
        add_set(project, name, classes, seed=10 + index)
    return project


def add_set(project: Project, name: str, classes: int = 2, seed: int = 0) -> Path:
    """Draw three images of each split and write ``configs/_base_/datasets/<name>.py``; the folder of the set."""
    counts = dict(train=3, val=3, test=3)
    root = make_dataset(project.root / f'sets/{name}', classes, (48, 64), counts, seed)
    labels = ('background', 'blob', 'blot')[:classes]
    text = BASE.format(classes=classes, root=root, names=labels)
    (project.root / f'configs/_base_/datasets/{name}.py').write_text(text, encoding='utf-8')
    return root


def add_run(project: Project, name: str, folder: Path, seed: int = 0, recipe: str = 'tiny') -> Path:
    """The folder of a finished training on the set ``name``: config, random weights, closing validation."""
    cfg = trained_config(project, name, seed, recipe)
    weights = random_weights(cfg.model)
    generator = torch.Generator().manual_seed(seed)
    for key in filter(lambda key: key.endswith('conv_seg.weight'), weights):
        weights[key] += torch.randn(weights[key].shape, generator=generator)
    file = folder / 'train/ckpt/best_mIoU_fg_iter_3.pth'
    file.parent.mkdir(parents=True)
    save_config(cfg, folder / 'train')
    torch.save(dict(state_dict=weights, meta=dict(seed=seed, iter=3)), file)
    judge(cfg, file, 'val', folder / 'train')
    return folder


def trained_config(project: Project, name: str, seed: int = 0, recipe: str = 'tiny') -> Config:
    """The merged config of a training on the set ``name``, called ``<recipe>_1xb2-6_<name>-64x64``."""
    cfg = load_config(project.recipe, [f'datasets={name}'])
    cfg.model = ConfigDict(copy.deepcopy(UNET))
    cfg.model.decode_head.update(LOGIT)
    cfg.run = ConfigDict(recipe=f'{recipe}_1xb2-6_{name}-64x64', amp=False)
    cfg.randomness.seed = seed
    return cfg

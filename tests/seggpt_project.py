"""A tiny SegGPT, samples for it, and a project in which it is trained for seconds.

from seggpt_project import build_segmentor, make_samples, make_seggpt_project
model = build_segmentor(mode='incontext')
inputs, samples = make_samples(model, count=2, prompts=1)
project = make_seggpt_project(tmp_path)          # a tiny_project.Project; .recipe fine-tunes on pairs
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from synthetic import make_dataset
from tiny_project import CONFIGS, DATASET, Project
from torch import Tensor

import mmseg_ext.engine  # noqa: F401 registers what the configs name

SIDE = 32
TINY = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    image_size=(2 * SIDE, SIDE),
    patch_size=8,
    pretrain_image_size=SIDE,
    decoder_hidden_size=8,
    drop_path_rate=0.1,
    merge_index=0,
    intermediate_hidden_state_indices=[0, 1],
)
PREPARE = dict(
    type='BatchDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size=(SIDE, SIDE),
    test_cfg=None,
)
LEAF = 'seggpt/seggpt_small_finetune_1xb8-2400_cosine_defect_types-128x128.py'
PAIRS = """
_base_ = './_loaders.py'
num_classes = 2
metainfo = dict(classes=['background', 'blob1', 'blob2'])
images = dict(type='CheckedSegDataset', data_root='{root}', metainfo=metainfo)
train, val, test = (
    dict(images, data_prefix=_base_[f'{{split}}_dataloader'].dataset.data_prefix)
    for split in ('train', 'val', 'test')
)
pairs = dict(_delete_=True, type='PromptPairDataset', negative_ratio=0.5)
alone = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(alone, batch_size=2, dataset=dict(pairs, datasets=train))
val_dataloader = dict(alone, dataset=dict(pairs, datasets=val, prompts=train, test_mode=True))
test_dataloader = dict(alone, dataset=dict(pairs, datasets=test, prompts=train, test_mode=True))
val_evaluator = test_evaluator = dict(type='PromptedMetric')
del metainfo, images, train, val, test, pairs, alone
"""
SCHEDULE = """
_base_ = './_iterations.py'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.001, weight_decay=0.0))
param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=0, end=6)]
train_cfg = dict(max_iters=6, val_interval=3)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=3))
"""


def build_segmentor(network: dict | None = None, **options: Any) -> torch.nn.Module:
    """A SegGPTSegmentor of tiny size with random weights, always the same."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    given = dict(type='SegGPTSegmentor', data_preprocessor=PREPARE, num_classes=2)
    return MODELS.build(dict(given, network=dict(dict(config=TINY), **(network or {})), **options))


def make_samples(
    model: torch.nn.Module,
    count: int = 2,
    prompts: int = 1,
    size: tuple[int, int] = (SIDE, SIDE),
    classes: int = 2,
    seed: int = 0,
) -> tuple[Tensor, list[SegDataSample]]:
    """Random queries of ``size`` as the preprocessor leaves them, and samples with so many prompts each."""
    generator = torch.Generator().manual_seed(seed)
    images, samples = [], []
    for _ in range(count):
        images.append(torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8))
        label = torch.randint(0, classes, (1, *size), generator=generator)
        label[:, :2] = 255
        sample = SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(ori_shape=size, img_shape=size))
        if prompts:
            shown = torch.randint(0, 256, (3 * prompts, *size), generator=generator, dtype=torch.uint8)
            labels = torch.randint(0, classes, (prompts, *size), generator=generator)
            sample.prompt_img, sample.prompt_sem_seg = PixelData(data=shown), PixelData(data=labels)
        samples.append(sample)
    data = model.data_preprocessor(dict(inputs=images, data_samples=samples), False)
    return data['inputs'], data['data_samples']


def make_seggpt_project(root: Path) -> Project:
    """Copy the configs, draw the data, and write a recipe that fine-tunes a tiny SegGPT on pairs of blobs."""
    data = make_dataset(root / 'data/mine', counts=dict(train=8, val=6, test=6), seed=2)
    shutil.copytree(CONFIGS, root / 'configs')
    base = root / 'configs/_base_'
    (base / 'datasets/pairs.py').write_text(PAIRS.format(root=data), encoding='utf-8')
    (base / 'datasets/mine.py').write_text(DATASET.format(root=data), encoding='utf-8')
    crop = (base / 'pipelines/prompt_128.py').read_text(encoding='utf-8').replace('128', str(SIDE))
    (base / f'pipelines/prompt_{SIDE}.py').write_text(crop, encoding='utf-8')
    (base / 'schedules/adamw_6.py').write_text(SCHEDULE, encoding='utf-8')
    model = f"_base_ = './seggpt_vit-large.py'\nmodel = dict(network=dict(pretrained=None, config={TINY!r}))\n"
    (base / 'models/seggpt_tiny.py').write_text(model, encoding='utf-8')
    text = (root / 'configs' / LEAF).read_text(encoding='utf-8')
    for name, other in (
        ('seggpt_small', 'seggpt_tiny'),
        ('defect_types', 'pairs'),
        ('prompt_128', f'prompt_{SIDE}'),
        ('adamw_2400_cosine', 'adamw_6'),
    ):
        text = text.replace(f'/{name}.py', f'/{other}.py')
    recipe = root / f'configs/seggpt/seggpt_tiny_finetune_1xb2-6_pairs-{SIDE}x{SIDE}.py'
    recipe.write_text(text, encoding='utf-8')
    return Project(root, data, recipe)

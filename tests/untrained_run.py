"""A run that nobody had to train: a config and random weights, in the folders where a training leaves them.

from untrained_run import make_untrained_run
run = make_untrained_run(project, tmp_path / 'run')        # a folder, with the model of the project's recipe
"""

from pathlib import Path

import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from tiny_project import Project

from mmseg_ext.engine.recipe import save_config

WEIGHTS = 'train/ckpt/best_mIoU_fg_iter_3.pth'
# A small U-Net: it has no global context, and feels a border about twenty pixels far.
UNET = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[110.0] * 3,
        std=[40.0] * 3,
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        test_cfg=dict(size_divisor=32),
    ),
    backbone=dict(
        type='UNet',
        base_channels=4,
        num_stages=3,
        strides=(1, 1, 1),
        enc_num_convs=(2, 2, 2),
        dec_num_convs=(2, 2),
        downsamples=(True, True),
        enc_dilations=(1, 1, 1),
        dec_dilations=(1, 1),
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        in_index=-1,
        num_convs=1,
        concat_input=False,
        num_classes=3,
        align_corners=False,
    ),
    test_cfg=dict(mode='whole'),
)


def make_untrained_run(
    project: Project, folder: Path, model: dict | None = None, pipeline: list[dict] | None = None
) -> Path:
    """Write config and weights under ``folder`` and return it; another ``model`` or test ``pipeline`` if given."""
    cfg = project.config()
    cfg.model = ConfigDict(model or cfg.model)
    if pipeline:
        cfg.test_dataloader.dataset.pipeline = pipeline
    weights = folder / WEIGHTS
    weights.parent.mkdir(parents=True)
    save_config(cfg, folder / 'train')
    torch.save({'state_dict': random_weights(cfg.model)}, weights)
    return folder


def random_weights(model: dict) -> dict[str, torch.Tensor]:
    """Weights under which all classes are predicted somewhere."""
    from mmseg.registry import MODELS

    init_default_scope('mmseg')
    torch.manual_seed(0)
    built = MODELS.build(model).train()
    for module in built.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of the one batch below
    built(torch.randn(2, 3, 64, 64), mode='tensor')
    return built.state_dict()

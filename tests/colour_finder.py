"""A model that is asked by example and whose answers are known, and a run of it: for tests of prompts.

    from colour_finder import make_finder_run, write_pair
    run = make_finder_run(project, tmp_path / 'run')
    write_pair(folder, 'a', red=(0, 0, 10, 10))      # folder/images/a.png, folder/labels/a.png

It finds whatever has the colour that the prompts' labels mark, pixel by pixel.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_project import Project
from torch import Tensor, nn
from untrained_run import WEIGHTS

from mmseg_ext.engine.recipe import save_config
from mmseg_ext.models.seggpt.prompts import Prompts
from mmseg_ext.models.seggpt.split import Split, Tile

SIZE = 64, 80
SIDE = 32  # of what the model says it looks at
BGR = dict(red=(30, 40, 220), blue=(220, 50, 30))
Box = tuple[int, int, int, int]  # top, left, height, width


class Network(nn.Module):
    """Has a size, as SegGPT's."""

    size = SIDE

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))


@MODELS.register_module(force=True)
class ColourFinder(BaseModel):
    """The interface of SegGPTSegmentor that prediction uses. ``seen`` holds the shapes of what it was asked about,
    ``made`` those of the images that it was shown."""

    align_corners, out_channels = False, 2

    def __init__(self, num_classes: int = 2) -> None:
        init_default_scope('mmseg')
        super().__init__(dict(type='SegDataPreProcessor', mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=False))
        self.network, self.num_classes, self.test_cfg = Network(), num_classes, {}
        self.prompts = self.learnable = None
        self.seen, self.made = [], []

    def make_prompts(self, images, labels) -> Prompts:
        assert all(image.dtype == label.dtype == torch.uint8 for image, label in zip(images, labels, strict=True))
        split, pairs = Split.of(self.test_cfg), zip(images, labels, strict=True)
        images, labels = zip(*(tile for pair in pairs for tile in split.shown(Tile(*pair), SIDE)), strict=True)
        self.made.append([tuple(image.shape[1:]) for image in images])
        colours = [image[:, label > 0].float().mean(1) for image, label in zip(images, labels, strict=True)]
        painted = torch.stack([each for each in colours if not each.isnan().any()])[..., None, None]
        return Prompts(painted, painted, torch.zeros(2, 3), torch.zeros(3), torch.ones(3))

    def set_prompts(self, prompts: Prompts | None) -> None:
        self.prompts = prompts

    def inference(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        self.seen.append(tuple(inputs.shape[2:]))
        distance = (inputs - self.prompts.images.mean(0)).abs().sum(1, keepdim=True)
        return torch.cat([distance - 30, 30 - distance], 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        raise NotImplementedError


def make_finder_run(project: Project, folder: Path, model: dict | None = None) -> Path:
    """A run of the finder (or of another ``model`` of two classes) that nobody had to train."""
    init_default_scope('mmseg')
    cfg = project.config()
    cfg.model = ConfigDict(model or dict(type='ColourFinder', num_classes=2))
    names = dict(classes=['background', 'defect'], palette=[[0, 0, 0], [255, 0, 0]])
    cfg.test_dataloader.dataset.metainfo = ConfigDict(names)
    weights = folder / WEIGHTS
    weights.parent.mkdir(parents=True)
    save_config(cfg, folder / 'train')
    torch.manual_seed(0)
    torch.save({'state_dict': MODELS.build(cfg.model).state_dict()}, weights)
    return folder


def write_pair(folder: Path, name: str, white: int = 255, marked: str | None = None, **boxes: Box) -> Path:
    """An image with a box of each colour, and a label of the ``marked`` one, or of the first; the image's path."""
    image, label = np.full((*SIZE, 3), 110, np.uint8), np.zeros(SIZE, np.uint8)
    for colour, (top, left, height, width) in boxes.items():
        image[top : top + height, left : left + width] = BGR[colour]
        if colour == (marked or next(iter(boxes))):
            label[top : top + height, left : left + width] = white
    for kind, array in (('images', image), ('labels', label)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / kind / f'{name}.png'), array)
    return folder / 'images' / f'{name}.png'

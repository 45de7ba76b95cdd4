"""Everything that is wrong with config and data is said before training, at once, a line each."""

import copy
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_ext.engine.preflight import check_run, find_problems
from mmseg_ext.errors import DataError, UsageError

SPLITS = ('train', 'val')


@MODELS.register_module()
class ZeroDivision(nn.Module):
    """A loss of 0 / 0."""

    loss_name = 'loss_zero'

    def forward(
        self, logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        return logits.sum() * 0 / 0


def mask(data: Path) -> Path:
    return data / 'ann_dir/train/train_002.png'


def image(data: Path) -> Path:
    return data / 'img_dir/train/train_002.png'


def write(path: Path, pixels: np.ndarray) -> None:
    assert cv2.imwrite(str(path), pixels)


def rgb_mask(data: Path) -> None:
    write(mask(data), np.random.default_rng(0).integers(0, 255, (64, 80, 3), np.uint8))


def emptied(data: Path) -> None:
    for folder in (image(data).parent, mask(data).parent):
        shutil.rmtree(folder)
        folder.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BAD = {
    'empty folder': (emptied, 'img_dir/train'),
    'no folder': (lambda data: shutil.rmtree(data / 'img_dir/train'), 'img_dir/train'),
    'image without mask': (lambda data: mask(data).unlink(), 'train_002.png'),
    'mask without image': (lambda data: image(data).unlink(), 'train_002.png'),
    'mask of another size': (lambda data: write(mask(data), np.zeros((64, 60), np.uint8)), 'train_002.png'),
    '0/255 mask': (lambda data: [write(file, np.uint8(cv2.imread(str(file), 0) > 0) * 255)
                                 for file in mask(data).parent.iterdir()], '255 becomes 1'),
    'RGB mask': (rgb_mask, 'train_002.png'),
    'label outside the classes': (lambda data: write(mask(data), np.full((64, 80), 7, np.uint8)), 'value 7'),
    'truncated image': (lambda data: cut(image(data)), 'train_002.png'),
    'truncated mask': (lambda data: cut(mask(data)), 'train_002.png'),
    '16-bit image': (lambda data: write(image(data), np.full((64, 80), 999, np.uint16)), 'convert it to 8 bits'),
    'text as image': (lambda data: image(data).write_text('hello'), 'train_002.png'),
}  # fmt: skip


@pytest.mark.parametrize('case', BAD)
def test_bad_data_is_one_line_with_the_path(own_project, case):
    spoil, said = BAD[case]
    spoil(own_project.data)
    with pytest.raises(DataError) as caught:
        check_run(own_project.config())
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


def test_sound_data_and_config_pass(project):
    cfg = project.config()
    before = copy.deepcopy(cfg.to_dict())
    check_run(cfg, ('train', 'val', 'test'))
    assert cfg.to_dict() == before


def test_grey_images_and_names_of_any_script_pass(own_project):
    for file in list(image(own_project.data).parent.iterdir()):
        new = file.with_name(f'щербина été 裂纹 {file.name}')
        write(new, cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
        file.unlink()
        old = own_project.data / 'ann_dir/train' / file.name
        old.rename(old.with_name(new.name))
    check_run(own_project.config())


def test_everything_is_said_at_once(own_project):
    mask(own_project.data).unlink()
    write(mask(own_project.data).with_name('train_001.png'), np.full((64, 80), 9, np.uint8))
    cfg = own_project.config()
    cfg.model.decode_head.num_classes = 5
    cfg.optim_wrapper.optimizer.type = 'AdamWW'
    with pytest.raises(DataError) as caught:
        check_run(cfg, problems=['--cfg-options x: no "x" there'])
    lines = str(caught.value).splitlines()
    assert lines[0] == '--cfg-options x: no "x" there'
    for said in (
        'optim_wrapper.optimizer.type: no "AdamWW"',
        'number of classes differs',
        'train_002',
        'train_001',
    ):
        assert sum(said in line for line in lines) == 1
    assert len(lines) == 5


@pytest.mark.parametrize(
    ('key', 'value', 'said'),
    [
        (
            'model.decode_head.type',
            'FCNHaed',
            'model.decode_head.type: no "FCNHaed" is registered; did you mean FCNHead',
        ),
        ('model.decode_head.loss_decode.0.type', 'SoftDiceLos', 'did you mean SoftDiceLoss'),
        ('train_dataloader.dataset.pipeline.2.type', 'DefectCorp', 'did you mean DefectCrop'),
        ('val_evaluator.type', 'DefectMetrics', 'did you mean DefectMetric'),
        ('default_hooks.buffers.type', 'AverageBufferHook', 'did you mean AverageBuffersHook'),
        ('param_scheduler.0.type', 'PolyRL', 'did you mean'),
        ('model.decode_head.num_classes', 4, 'the number of classes differs: train_dataloader.dataset'),
        ('model.auxiliary_head.1.num_classes', 4, 'model.auxiliary_head.1 has 4'),
        ('model.decode_head.in_channels', 64, 'the first batch fails: '),
        ('model.decode_head.loss_decode', dict(type='ZeroDivision'), 'decode.loss_zero is not a number'),
        ('model.decode_head.loss_decode.0.gama', 2, "model: .*unexpected keyword argument 'gama'"),
        ('val_evaluator.min_overlap', 7, 'val_evaluator: min_overlap is a share'),
        ('optim_wrapper.optimizer.lr', -1, 'the first batch fails: Invalid learning rate'),
        ('load_from', '/nowhere.pth', 'load_from: /nowhere.pth: no such checkpoint'),
    ],
)
def test_a_config_that_cannot_train_is_one_line(project, key, value, said):
    cfg = project.config()
    node, last = cfg, key.rpartition('.')[2]
    for part in key.split('.')[:-1]:
        node = node[int(part)] if part.isdecimal() else node[part]
    node[last] = value
    with pytest.raises(UsageError, match=said) as caught:
        check_run(cfg)
    assert '\n' not in str(caught.value)


def test_weights_to_start_from_must_know_the_model(project, tmp_path):
    torch.save({'state_dict': {'foreign.weight': torch.zeros(1)}}, tmp_path / 'x.pth')
    usage, data = find_problems(project.config(load_from=str(tmp_path / 'x.pth')), SPLITS, [])
    assert 'no weight of it has a name that this model knows' in usage[0]
    assert not data

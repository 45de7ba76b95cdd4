"""Distances made by the loader: what they are, how they reach the loss, and that it is the same with them."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmseg.registry import MODELS, TRANSFORMS
from mmseg.structures import SegDataSample

import mmseg_ext.datasets
import mmseg_ext.models
from mmseg_ext.errors import UsageError
from mmseg_ext.functional import boundary
from mmseg_ext.functional.boundary import signed_distance
from mmseg_ext.models.losses import KervadecBoundaryLoss

SIZE = (16, 24)
PACKED = [dict(type='RandomFlip', prob=1.0), dict(type='PackSegInputs'), dict(type='SignedDistance')]


def mask(highest: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    label = np.zeros(size, np.uint8)
    label[3:7, 2:9], label[10:12, 4:6], label[0, 0] = 1, highest, 255
    return label


def packed(label: np.ndarray) -> dict:
    """What a pipeline makes of a grey image and this label, turned from left to right."""
    results = dict(img=np.zeros((*label.shape, 3), np.uint8), gt_seg_map=label, seg_fields=['gt_seg_map'])
    for settings in PACKED:
        results = TRANSFORMS.build(settings)(results)
    return results


def preprocessor(size: tuple[int, int] = SIZE):
    return MODELS.build(dict(type='BatchDataPreProcessor', size=size))


def segmentor(**options):
    """One layer and the boundary loss."""
    return MODELS.build(
        dict(
            type='LeanEncoderDecoder',
            backbone=dict(
                type='ResNetV1c', depth=18, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)
            ),
            decode_head=dict(
                type='FCNHead',
                in_channels=64,
                channels=4,
                num_convs=1,
                num_classes=4,
                norm_cfg=None,
                loss_decode=[dict(type='SoftDiceLoss'), dict(type='KervadecBoundaryLoss', **options)],
            ),
            test_cfg=dict(mode='whole'),
        )
    )


def test_the_maps_follow_the_label_of_the_window():
    sample = packed(mask(3))['data_samples']
    assert sample.gt_distance.data.dtype == torch.float32
    expected = signed_distance(mask(3)[:, ::-1], 3)
    assert torch.equal(sample.gt_distance.data, torch.from_numpy(expected))
    assert not sample.gt_distance.data[1].any(), 'a class that the window lacks'
    assert sample.gt_distance.data[0, 4, -6] < 0


def test_a_window_without_any_class_has_one_empty_map():
    label = np.full(SIZE, 255, np.uint8)
    maps = packed(label)['data_samples'].gt_distance.data
    assert maps.shape == (1, *SIZE)
    assert not maps.any()


def test_it_stands_behind_packing():
    with pytest.raises(UsageError, match='behind PackSegInputs'):
        TRANSFORMS.build(dict(type='SignedDistance'))(dict(gt_seg_map=mask(1)))


@pytest.mark.parametrize('size', [SIZE, (20, 32)], ids=['at once', 'padded'])
def test_a_batch_of_different_classes_reaches_the_loss(size, monkeypatch):
    """The loss has what it would have made, and makes nothing; padded pixels are ignored."""
    model, batch = segmentor(), pseudo_collate([packed(mask(1)), packed(mask(3))])
    model.data_preprocessor = preprocessor(size)
    assert model.data_preprocessor._is_plain(batch) is (size == SIZE)
    data = model.data_preprocessor(batch, True)
    plain = [SegDataSample(gt_sem_seg=sample.gt_sem_seg) for sample in data['data_samples']]
    assert data['data_samples'][0].gt_distance.data.shape[1:] == size
    model.eval()
    expected = model.loss(data['inputs'], plain)['decode.loss_boundary']
    monkeypatch.setattr(boundary, 'distance_to', None)
    got = model.loss(data['inputs'], data['data_samples'])['decode.loss_boundary']
    if size == SIZE:
        assert torch.equal(got, expected)
    assert got.requires_grad
    assert got != 0


def test_samples_without_maps_are_left_to_the_loss():
    model, batch = segmentor(), pseudo_collate([packed(mask(1)), packed(mask(3))])
    model.data_preprocessor = preprocessor()
    del batch['data_samples'][1].gt_distance
    assert not model.data_preprocessor._is_plain(batch)
    data = model.data_preprocessor(batch, True)
    assert model.loss(data['inputs'], data['data_samples'])['decode.loss_boundary'].isfinite()


def test_a_wrong_map_shows_in_the_loss():
    label = torch.from_numpy(mask(1)).long()[None]
    logits = torch.zeros(1, 2, *SIZE)
    maps = torch.from_numpy(signed_distance(mask(1), 1))[None]
    loss = KervadecBoundaryLoss()
    assert torch.equal(loss(logits, label), loss(logits, label, made=maps))
    assert loss(logits, label, made=maps + 1) == pytest.approx(loss(logits, label).item() + 0.5)


@pytest.mark.parametrize(('iteration', 'weight'), [(0, 0.01), (9, 0.01), (10, 0.02), (25, 0.03), (1000, 0.5)])
def test_the_weight_rises_with_the_iteration_of_the_runner(iteration, weight, monkeypatch):
    hub = MessageHub(f'rise_{iteration}')
    hub.update_info('iter', iteration)
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)
    rising = KervadecBoundaryLoss(rise=0.01, rise_every=10, max_weight=0.5, loss_weight=0.01)
    label = torch.from_numpy(mask(1)).long()[None]
    logits = torch.zeros(1, 2, *SIZE)
    assert rising(logits, label) == pytest.approx(weight * KervadecBoundaryLoss()(logits, label).item())


@pytest.mark.parametrize('options', [dict(rise=-1), dict(rise_every=0), dict(rise=0.1, max_weight=0.5)])
def test_a_weight_that_cannot_rise_is_refused(options):
    with pytest.raises(ValueError, match='KervadecBoundaryLoss: need rise >= 0'):
        KervadecBoundaryLoss(**options)


def test_the_pipeline_of_the_config_ends_with_it():
    folder = mmseg_ext.datasets.__path__[0] + '/../../configs/_base_/pipelines/'
    with_maps, without = (Config.fromfile(f'{folder}{name}.py') for name in ('crop_512_distance', 'crop_512'))
    assert with_maps.train_pipeline == [*without.train_pipeline, dict(type='SignedDistance')]
    assert with_maps.test_pipeline == without.test_pipeline

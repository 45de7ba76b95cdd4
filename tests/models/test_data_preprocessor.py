"""A batch at once is, to the last bit, what mmseg makes of its images one by one."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_ext.models  # noqa: F401 registers what is tested

SIZE = (12, 20)


def build(kind: str, **options):
    init_default_scope('mmseg')
    usual = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=SIZE)
    return MODELS.build(dict(type=kind, **{**usual, **options}))


def batch(sizes=(SIZE, SIZE, SIZE), channels=3, edges=False, dtype=torch.int64) -> dict:
    generator = torch.Generator().manual_seed(0)
    images, samples = [], []
    for index, size in enumerate(sizes):
        images.append(torch.randint(0, 256, (channels, *size), dtype=torch.uint8, generator=generator))
        label = torch.randint(0, 3, (1, *size), generator=generator).to(dtype)
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(img_path=f'{index}.png')))
        if edges:
            samples[-1].set_data(dict(gt_edge_map=PixelData(data=label)))
    return dict(inputs=images, data_samples=samples)


def equal(one: dict, two: dict) -> None:
    assert one['inputs'].dtype == two['inputs'].dtype == torch.float32
    assert torch.equal(one['inputs'], two['inputs'])
    for a, b in zip(one['data_samples'], two['data_samples'], strict=True):
        assert a.gt_sem_seg.data.dtype == b.gt_sem_seg.data.dtype
        assert torch.equal(a.gt_sem_seg.data, b.gt_sem_seg.data)
        assert dict(a.metainfo_items()) == dict(b.metainfo_items())
        assert sorted(a.keys()) == sorted(b.keys())


CASES = {
    'crops': ({}, {}, True),
    'no change of colours': (dict(bgr_to_rgb=False), {}, True),
    'no normalisation': (dict(mean=None, std=None), {}, True),
    'grey': (dict(mean=[100.0], std=[50.0], bgr_to_rgb=False), dict(channels=1), True),
    'narrow masks': ({}, dict(dtype=torch.uint8), True),
    'one image': ({}, dict(sizes=[SIZE]), True),
    'larger than the size': (dict(size=(8, 8)), {}, True),
    'a divisor that divides': (dict(size=None, size_divisor=4), {}, True),
    'a divisor that does not': (dict(size=None, size_divisor=32), {}, False),
    'smaller than the size': (dict(size=(16, 24)), {}, False),
    'several sizes': ({}, dict(sizes=[SIZE, (12, 16)]), False),
    'edges too': ({}, dict(edges=True), False),
}


@pytest.mark.parametrize(('options', 'data', 'at_once'), CASES.values(), ids=CASES.keys())
def test_training_batches_are_those_of_mmseg(options, data, at_once):
    ours = build('BatchDataPreProcessor', **options)
    assert ours._is_plain(batch(**data)) is at_once
    equal(ours(batch(**data), True), build('SegDataPreProcessor', **options)(batch(**data), True))


def test_double_precision_is_kept():
    torch.set_default_dtype(torch.float64)
    try:
        ours, theirs = (build(kind)(batch(), True) for kind in ('BatchDataPreProcessor', 'SegDataPreProcessor'))
    finally:
        torch.set_default_dtype(torch.float32)
    assert ours['inputs'].dtype == theirs['inputs'].dtype == torch.float64
    assert torch.equal(ours['inputs'], theirs['inputs'])


def test_a_batch_is_left_as_it_was():
    data, ours = batch(), build('BatchDataPreProcessor')
    before = data['inputs'][0].clone()
    first, second = ours(data, True), ours(data, True)
    equal(first, second)
    assert torch.equal(data['inputs'][0], before)
    assert 'pad_shape' not in data['data_samples'][0]


def test_validation_goes_the_way_of_mmseg():
    options = dict(test_cfg=dict(size_divisor=32))
    ours, theirs = (
        build(kind, **options)(batch([SIZE])) for kind in ('BatchDataPreProcessor', 'SegDataPreProcessor')
    )
    assert ours['inputs'].shape == (1, 3, 32, 32)
    equal(ours, theirs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_a_batch_reaches_the_gpu_as_it_is():
    ours, theirs = (build(kind).cuda()(batch(), True) for kind in ('BatchDataPreProcessor', 'SegDataPreProcessor'))
    assert ours['inputs'].is_cuda
    equal(ours, theirs)

"""Losses, gradients and predictions are mmseg's; the host is not made to wait for any of them."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import mmseg_ext.models  # noqa: F401 registers what is tested
from mmseg_ext.models.decode_heads.common_loss import has_common_loss

CLASSES, SIZE = 3, (32, 40)
CE = dict(type='MaskedCrossEntropyLoss', loss_weight=0.4)
DICE = dict(type='SoftDiceLoss')


@MODELS.register_module()
class TwoScales(nn.Module):
    """Features at a half and a quarter of the image's side, eight channels each."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(images)
        return first, self.second(first)


def head(kind: str = 'FCNHead', index: int = 1, loss: object = CE, **options: object) -> dict:
    channels = dict(in_channels=8, channels=8, in_index=index, num_classes=CLASSES)
    fcn = dict(num_convs=1, concat_input=False) if kind == 'FCNHead' else {}
    return dict(type=kind, loss_decode=loss, **channels, **fcn, **options)


MODELS_OF = {
    'no auxiliary head': dict(decode_head=head()),
    'an empty list': dict(decode_head=head(), auxiliary_head=[]),
    'one auxiliary head': dict(decode_head=head(), auxiliary_head=head(index=0)),
    'a list of heads': dict(decode_head=head(), auxiliary_head=[head(index=0), head(loss=DICE)]),
    'a list of losses': dict(decode_head=head(loss=[CE, DICE]), auxiliary_head=[head(index=0, loss=[DICE, CE])]),
    'losses of one name': dict(decode_head=head(loss=[CE, DICE, dict(CE, class_weight=[0.1, 1.0, 2.0])])),
    'aligned corners': dict(decode_head=head(align_corners=True), auxiliary_head=[head(index=0)]),
    'no dropout': dict(decode_head=head(dropout_ratio=0)),
    'mmseg losses': dict(decode_head=head(loss=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.7))),
    'a head with two losses of its own': dict(
        decode_head=head('DAHead', pam_channels=4), auxiliary_head=[head(index=0)]
    ),
    'a head that samples': dict(
        decode_head=head(loss=dict(type='CrossEntropyLoss'), sampler=dict(type='OHEMPixelSampler', min_kept=50))
    ),
}


def build(kind: str, parts: dict, seed: int = 0) -> EncoderDecoder:
    init_default_scope('mmseg')
    torch.manual_seed(seed)
    cfg = dict(
        type=kind, backbone=dict(type='TwoScales'), test_cfg=ConfigDict(mode='whole'), train_cfg={}, **parts
    )
    return MODELS.build(cfg).train()


@pytest.fixture
def batch() -> tuple[Tensor, list[SegDataSample]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, *SIZE, generator=generator)
    labels = torch.randint(0, CLASSES, (2, 1, *SIZE), generator=generator)
    labels[0, :, :7], labels[1, :, :, 30:] = 255, 255
    meta = dict(img_shape=SIZE, pad_shape=SIZE, ori_shape=SIZE, padding_size=(0, 0, 0, 0))
    return images, [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta) for label in labels]


def step(model: EncoderDecoder, batch: tuple) -> tuple[dict, dict]:
    """Losses and gradients; the seed is the same, so that dropout is."""
    torch.manual_seed(3)
    losses = model(*batch, mode='loss')
    model.parse_losses(losses)[0].backward()
    return losses, {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize('parts', MODELS_OF.values(), ids=MODELS_OF.keys())
def test_losses_and_gradients_are_those_of_mmseg(parts, batch):
    theirs, their_gradients = step(build('EncoderDecoder', parts), batch)
    model = build('LeanEncoderDecoder', parts)
    ours, our_gradients = step(model, batch)
    common = [name for name, each in model._heads().items() if has_common_loss(each)]
    kept = {name: value for name, value in theirs.items() if name not in {f'{each}.acc_seg' for each in common}}
    assert list(ours) == list(kept)
    assert len(kept) < len(theirs) or 'samples' in str(parts) or not common
    for name, value in kept.items():
        assert torch.equal(ours[name], value), name
    for name, gradient in their_gradients.items():
        assert torch.equal(our_gradients[name], gradient), name


def test_the_weights_of_losses_count(batch):
    heavy = dict(CE, loss_weight=4.0)
    one, _ = step(build('LeanEncoderDecoder', dict(decode_head=head())), batch)
    two, _ = step(build('LeanEncoderDecoder', dict(decode_head=head(loss=heavy))), batch)
    assert two['decode.loss_ce'].item() == pytest.approx(10 * one['decode.loss_ce'].item())


@pytest.mark.parametrize('ignored', [255, 7])
def test_ignored_pixels_do_not_count(batch, ignored):
    for sample in batch[1]:
        sample.gt_sem_seg.data[sample.gt_sem_seg.data == 255] = ignored
    model = build('LeanEncoderDecoder', dict(decode_head=head(dropout_ratio=0, ignore_index=ignored)))
    before = model(*batch, mode='loss')['decode.loss_ce']
    ours = torch.nn.functional.interpolate(model(*batch, mode='tensor'), SIZE, mode='bilinear')
    label = torch.stack([sample.gt_sem_seg.data[0] for sample in batch[1]])
    valid = label != ignored
    by_hand = -ours.log_softmax(1).gather(1, label.where(valid, 0).unsqueeze(1)).squeeze(1)[valid].mean()
    assert before.item() == pytest.approx(0.4 * by_hand.item(), rel=1e-5)


def test_narrow_labels_are_as_good(batch):
    model = build('LeanEncoderDecoder', MODELS_OF['a list of losses'])
    wide, _ = step(model, batch)
    for sample in batch[1]:
        sample.gt_sem_seg = PixelData(data=sample.gt_sem_seg.data.to(torch.uint8))
    narrow, _ = step(build('LeanEncoderDecoder', MODELS_OF['a list of losses']), batch)
    assert all(torch.equal(narrow[name], value) for name, value in wide.items())


@pytest.mark.parametrize('mode', [dict(mode='whole'), dict(mode='slide', crop_size=(16, 16), stride=(8, 8))])
def test_predictions_are_those_of_mmseg(batch, mode):
    one, two = (
        build(kind, MODELS_OF['a list of heads']).eval() for kind in ('EncoderDecoder', 'LeanEncoderDecoder')
    )
    for model in (one, two):
        model.test_cfg = ConfigDict(mode)
    with torch.no_grad():
        theirs, ours = (model(*batch, mode='predict') for model in (one, two))
    for a, b in zip(theirs, ours, strict=True):
        assert torch.equal(a.seg_logits.data, b.seg_logits.data)
        assert torch.equal(a.pred_sem_seg.data, b.pred_sem_seg.data)


@pytest.mark.parametrize('name', ['a list of losses', 'a head with two losses of its own'])
def test_channels_last_changes_rounding_only(batch, name):
    plain, plain_gradients = step(build('LeanEncoderDecoder', MODELS_OF[name]), batch)
    model = build('LeanEncoderDecoder', MODELS_OF[name]).to(memory_format=torch.channels_last)
    assert model.extract_feat(batch[0])[0].is_contiguous(memory_format=torch.channels_last)
    model = build('LeanEncoderDecoder', MODELS_OF[name]).to(memory_format=torch.channels_last)
    last, last_gradients = step(model, batch)
    for one, two in ((plain, last), (plain_gradients, last_gradients)):
        for key, value in one.items():
            assert torch.allclose(value, two[key], rtol=1e-3, atol=1e-5), key


class HostReads(TorchDispatchMode):
    """Counts operations that make the host wait for a device: numbers read, and results of unknown size."""

    WAITING = ('_local_scalar_dense', 'nonzero', 'masked_select', 'is_nonzero', 'unique', 'equal')

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix('aten::')
        by_mask = name == 'index' and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        self.count += by_mask or any(name.startswith(each) for each in self.WAITING)
        return func(*args, **(kwargs or {}))


def reads(model: EncoderDecoder, batch: tuple) -> int:
    step(model, batch)  # losses look at the values of the first labels they see
    with HostReads() as mode:
        step(model, batch)
    return mode.count


def test_nothing_in_a_step_waits_for_the_device(batch):
    parts = MODELS_OF['a list of heads']
    assert reads(build('LeanEncoderDecoder', parts), batch) == 0
    assert reads(build('EncoderDecoder', parts), batch) == 3 * 2  # three heads, two masks in each accuracy


def test_compiled_parts_train_alike_and_predict_uncompiled(batch):
    plain, plain_gradients = step(build('LeanEncoderDecoder', MODELS_OF['a list of losses']), batch)
    model, calls = build('LeanEncoderDecoder', MODELS_OF['a list of losses']), []

    def backend(graph, _):
        calls.append(graph)
        return graph.forward

    model.compile_parts(backend=backend)
    compiled, compiled_gradients = step(model, batch)
    assert len(calls) == 3  # backbone, head, auxiliary head: one graph each
    for one, two in ((plain, compiled), (plain_gradients, compiled_gradients)):
        assert all(torch.allclose(value, two[name], rtol=1e-5, atol=1e-7) for name, value in one.items())
    assert set(model.state_dict()) == set(build('EncoderDecoder', MODELS_OF['a list of losses']).state_dict())
    with torch.no_grad():
        model.eval()(*batch, mode='predict')
    assert len(calls) == 3

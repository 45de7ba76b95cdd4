"""The loss on validation images is that of training, whatever the padding, the batches and the processes."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from test_processes import both
from torch import nn

import mmseg_ext.models  # noqa: F401 registers what is tested
from mmseg_ext.engine.loops import MeanLoss, predict_with_losses
from mmseg_ext.engine.preflight import find_problems
from mmseg_ext.engine.runner import build_runner, working_copy
from mmseg_ext.errors import DataError

SIZE = (40, 50)  # what 32 does not divide
CE = dict(type='MaskedCrossEntropyLoss', loss_weight=0.7)


@MODELS.register_module()
class Pixelwise(nn.Module):
    """Features of each pixel alone, so that padding cannot reach its neighbours; twice, for two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.passes = 0

    def forward(self, images):
        self.passes += 1
        features = self.layers(images)
        return features, features * 2


def head(kind: str = 'FCNHead', loss: object = CE, **options) -> dict:
    return dict(type=kind, in_channels=8, num_classes=2, loss_decode=loss, **options)


def fcn(index: int = 0, loss: object = CE, **options) -> dict:
    convolutions = dict(num_convs=0, concat_input=False, kernel_size=1)
    return head('FCNHead', loss, channels=8, in_index=index, **convolutions, **options)


HEADS = {
    'one head': dict(decode_head=fcn()),
    'two losses and an auxiliary head': dict(
        decode_head=fcn(loss=[CE, dict(type='SoftDiceLoss')]), auxiliary_head=[fcn(1, dict(CE, loss_weight=3))]
    ),
    'one logit': dict(decode_head=fcn(loss=dict(type='BCEDiceLoss'), out_channels=1, threshold=0.4)),
    'several outputs': dict(decode_head=head('DeepSupervisionHead', num_outputs=2)),
    'losses of its own': dict(decode_head=head('DAHead', channels=8, pam_channels=4), auxiliary_head=[fcn(1)]),
    'sampled pixels': dict(
        decode_head=fcn(loss=dict(type='CrossEntropyLoss'), sampler=dict(type='OHEMPixelSampler', min_kept=900))
    ),
}


def build(parts: dict, kind: str = 'LeanEncoderDecoder', test_cfg: dict | None = None, divisor: int | None = 32):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    padding = dict(size_divisor=divisor) if divisor else None
    data = dict(type='BatchDataPreProcessor', mean=[99.0] * 3, std=[50.0] * 3, test_cfg=padding, size=(64, 64))
    cfg = dict(type=kind, data_preprocessor=data, backbone=dict(type='Pixelwise'), train_cfg={}, **parts)
    model = MODELS.build(dict(cfg, test_cfg=ConfigDict(test_cfg or dict(mode='whole'))))
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
    return model.eval()


def batch(count: int = 1, size: tuple = SIZE, label_size: tuple | None = None) -> dict:
    generator = torch.Generator().manual_seed(5)
    inputs, samples = [], []
    for _ in range(count):
        inputs.append(torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8))
        label = torch.randint(0, 2, (1, *(label_size or size)), generator=generator)
        label[:, :3] = 255
        meta = dict(img_shape=size, ori_shape=label_size or size)
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta))
    return dict(inputs=inputs, data_samples=samples)


@torch.no_grad()
def outputs_of(model, data: dict) -> list:
    return predict_with_losses(model, data)


def losses_of(model, data: dict) -> list[dict[str, float]]:
    return [{name: float(value) for name, value in sample.losses.items()} for sample in outputs_of(model, data)]


@torch.no_grad()
def by_hand(model, data: dict) -> dict[str, float]:
    """The loss terms of mmseg's way through training, of images that nothing pads."""
    inputs = (torch.stack(data['inputs']).float() - 99) / 50
    return {
        name: float(sum(value) if isinstance(value, list) else value)
        for name, value in model.loss(inputs, data['data_samples']).items()
        if 'loss' in name
    }


@pytest.mark.parametrize('divisor', [32, None])
@pytest.mark.parametrize('name', [name for name in HEADS if name not in ('losses of its own', 'sampled pixels')])
def test_padding_changes_nothing(name, divisor):
    model, data = build(HEADS[name], divisor=divisor), batch()
    expected = by_hand(model, batch())
    (found,) = losses_of(model, data)
    assert found.pop('loss') == pytest.approx(sum(expected.values()), rel=1e-5)
    assert found == pytest.approx(expected, rel=1e-5)
    assert all(value > 0.01 for value in expected.values())


@pytest.mark.parametrize('count', [1, 3])
@pytest.mark.parametrize('name', HEADS)
def test_one_pass_says_what_two_say(name, count):
    lean, usual = build(HEADS[name]), build(HEADS[name], 'EncoderDecoder')
    ours, theirs = losses_of(lean, batch(count)), losses_of(usual, batch(count))
    assert len(ours) == count
    assert [lean.backbone.passes, usual.backbone.passes] == [1, count + 1]
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    predicted = lean.val_step(batch(count))
    for sample, other in zip(outputs_of(lean, batch(count)), predicted, strict=True):
        assert sample.seg_logits.data.equal(other.seg_logits.data)
        assert sample.pred_sem_seg.data.equal(other.pred_sem_seg.data)
        assert sample.gt_sem_seg.data.equal(other.gt_sem_seg.data)


@pytest.mark.parametrize('kind', ['LeanEncoderDecoder', 'EncoderDecoder'])
def test_each_image_is_judged_alone(kind):
    model = build(HEADS['two losses and an auxiliary head'], kind)
    together, images = losses_of(model, batch(3)), batch(3)
    for index in range(3):
        alone = {key: values[index : index + 1] for key, values in images.items()}
        assert losses_of(model, alone) == [pytest.approx(together[index], rel=1e-5)]
    assert len({each['loss'] for each in together}) == 3


def test_prediction_by_windows_is_left_alone_and_its_loss_is_that_of_the_whole_image():
    windows = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    model, whole = build(HEADS['one head'], test_cfg=windows), build(HEADS['one head'])
    (sample,) = outputs_of(model, batch())
    assert sample.pred_sem_seg.data.equal(model.val_step(batch())[0].pred_sem_seg.data)
    assert losses_of(model, batch()) == [pytest.approx(losses_of(whole, batch())[0], rel=1e-5)]


def test_a_label_follows_the_image_that_a_pipeline_has_resized():
    model = build(HEADS['one head'])
    data, small = batch(label_size=(80, 100)), batch()
    small['inputs'] = data['inputs']
    small['data_samples'][0].gt_sem_seg.data = data['data_samples'][0].gt_sem_seg.data[:, ::2, ::2]
    (found,) = outputs_of(model, data)
    assert found.pred_sem_seg.shape == found.gt_sem_seg.shape == (80, 100)
    assert float(found.losses['loss']) == pytest.approx(losses_of(model, small)[0]['loss'], rel=1e-6)


def test_nothing_learns_from_it():
    model = build(HEADS['two losses and an auxiliary head'])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    (sample,) = outputs_of(model, batch())
    assert not any(value.requires_grad for value in sample.losses.values())
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())


def test_an_image_without_a_mask_is_named():
    data = batch()
    del data['data_samples'][0].gt_sem_seg
    data['data_samples'][0].set_metainfo(dict(img_path='some/where.png'))
    with pytest.raises(DataError, match=r'some/where.png: there is no mask for a loss; .* LoadAnnotations'):
        outputs_of(build(HEADS['one head']), data)


def test_every_image_counts_once():
    metric = MeanLoss()
    metric.process(None, [{'losses': {'loss': torch.tensor(1.0), 'decode.loss_ce': 1}}])
    metric.process(None, [{'losses': {'loss': value, 'decode.loss_ce': 2}} for value in (2, 6)])
    assert metric.evaluate(3) == {'val_loss': 3.0, 'val_decode.loss_ce': pytest.approx(5 / 3)}
    assert metric.results == []


def validate(cfg, weights: Path, folder: Path, answer: Path | None = None, rank: int = 0) -> dict[str, float]:
    """Scores of the validation that a training does, of given weights."""
    local = working_copy(cfg, folder, 'validation')
    local.load_from, local.default_hooks = str(weights), ConfigDict(checkpoint=None)
    scores = build_runner(local).val()
    if answer:
        answer.with_suffix(f'.{rank}').write_text(json.dumps(scores), encoding='utf-8')
    return scores


@pytest.fixture
def cfg(project):
    cfg = project.config()
    cfg.val_cfg = ConfigDict(type='LossValLoop')
    return cfg


def test_the_scores_of_a_validation_and_its_loss(cfg, project, finished, tmp_path):
    weights = finished / 'train/ckpt/iter_6.pth'
    scores, usual = (validate(each, weights, tmp_path) for each in (cfg, project.config()))
    terms = {name: value for name, value in scores.items() if name.startswith('val_')}
    assert {name: scores[name] for name in usual} == pytest.approx(usual, nan_ok=True)
    assert scores.keys() - terms.keys() == usual.keys()
    heads = ('decode', 'aux_0', 'aux_1')
    assert terms.keys() == {'val_loss', *(f'val_{each}.loss_{name}' for each in heads for name in ('dice', 'ce'))}
    total = terms.pop('val_loss')
    assert total == pytest.approx(sum(terms.values()))
    assert total == pytest.approx(mean_loss(cfg, weights, tmp_path))


@torch.no_grad()
def mean_loss(cfg, weights: Path, folder: Path) -> float:
    """As the training step computes it: the preprocessor pads images and labels."""
    local = working_copy(cfg, folder, 'by hand')
    local.model.data_preprocessor.size = (64, 96)
    runner = build_runner(local)
    runner.load_checkpoint(str(weights))
    model, dataset, values = runner.model.eval(), runner.val_dataloader.dataset, []
    for index in range(len(dataset)):
        data = model.data_preprocessor(pseudo_collate([dataset[index]]), True)
        values.append(float(model.parse_losses(model(**data, mode='loss'))[0]))
    return sum(values) / len(values)


def test_two_processes_say_what_one_says(cfg, finished, tmp_path):
    weights, answer = finished / 'train/ckpt/iter_6.pth', tmp_path / 'scores'
    both(partial(validate, cfg, weights, tmp_path / 'two', answer), tmp_path)
    alone = validate(cfg, weights, tmp_path / 'one')
    assert json.loads(answer.with_suffix('.0').read_text()) == json.loads(answer.with_suffix('.1').read_text())
    assert json.loads(answer.with_suffix('.0').read_text()) == pytest.approx(alone, rel=1e-9, nan_ok=True)


def test_mixed_precision_is_that_of_the_loop(cfg, finished, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(nn.BatchNorm2d, 'forward', lambda self, x: (seen.append(x.dtype), x)[1])
    weights = finished / 'train/ckpt/iter_6.pth'
    for fp16 in (False, True):
        cfg.val_cfg.fp16 = fp16
        assert validate(cfg, weights, tmp_path)['val_loss'] > 0
    assert set(seen[: len(seen) // 2]) == {torch.float32}
    assert torch.bfloat16 in seen[len(seen) // 2 :]


@pytest.mark.parametrize(
    ('key', 'part'),
    [
        ('param_scheduler.0.monitor', dict(param_scheduler=[dict(type='ReduceOnPlateauLR', monitor='val_loss')])),
        ('param_scheduler.0.monitor', dict(param_scheduler=dict(type='ReduceOnPlateauLR', monitor='val_loss'))),
        ('custom_hooks.0.monitor', dict(custom_hooks=[dict(type='EarlyStopHook', monitor='val_loss')])),
        (
            'default_hooks.stop.monitor',
            dict(default_hooks=dict(stop=dict(type='EarlyStopHook', monitor='val_loss'))),
        ),
        (
            'default_hooks.checkpoint.save_best',
            dict(default_hooks=dict(checkpoint=dict(save_best='val_decode.loss'))),
        ),
    ],
)
def test_who_waits_for_a_loss_that_nobody_computes_is_told_before_training(project, key, part):
    cfg = project.config()
    cfg.pop('param_scheduler')
    cfg.merge_from_dict(part)
    (problem,) = find_problems(cfg, ('train', 'val'), ())[0]
    assert problem.startswith(f'{key} is val_')
    assert problem.endswith('which ValLoop does not compute; --cfg-options val_cfg.type=LossValLoop')
    cfg.val_cfg.type = 'LossValLoop'
    assert find_problems(cfg, ('train', 'val'), ()) == ([], [])

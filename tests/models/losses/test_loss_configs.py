"""Every base of configs/_base_/losses: what it defines, that it builds, and that a head of mmseg trains on it."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_ext.models  # noqa: F401

FOLDER = Path(__file__).parents[3] / 'configs/_base_/losses'
FILES = sorted(FOLDER.glob('*.py'))
EXPECTED = {
    *('boundary_ce', 'bce_dice', 'cross_entropy', 'dice', 'dice_ce', 'focal', 'focal_any', 'focal_dice'),
    *('bce', 'focal_tversky', 'lovasz_ce', 'sigmoid_focal', 'tversky'),
    *('skeleton_recall_bce_dice', 'skeleton_recall_dice_ce', 'focal_dice_source', 'kervadec_dice_ce'),
}
# How many terms the auxiliary heads keep, where their coarse features cannot serve all.
KEPT = {
    'boundary_ce': 1,
    'focal_dice_boundary': 1,
    'kervadec_dice_ce': 2,
    'skeleton_recall_bce_dice': 1,
    'skeleton_recall_dice_ce': 2,
}
every_file = pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)


def as_list(losses: dict | list) -> list[dict]:
    return losses if isinstance(losses, list) else [losses]


def test_the_bases_are_there():
    assert {path.stem for path in FILES} >= EXPECTED


@every_file
def test_defines_the_two_keys_and_nothing_else(path):
    cfg = Config.fromfile(path)
    assert set(cfg.to_dict()) == {'loss_decode', 'aux_loss_decode'}
    auxiliary = as_list(cfg.aux_loss_decode)
    assert all(loss.loss_weight == 0.4 for loss in auxiliary)
    main = [dict(loss, loss_weight=0.4) for loss in as_list(cfg.loss_decode)]
    assert [dict(loss) for loss in auxiliary] == main[: KEPT.get(path.stem)]


@every_file
@pytest.mark.parametrize('key', ['loss_decode', 'aux_loss_decode'])
def test_every_loss_takes_a_backward(path, key):
    label = torch.zeros(2, 16, 16, dtype=torch.long)
    label[:, 3:9, 4:10], label[:, 12:, :2], label[:, :, -1] = 1, 2, 255
    for settings in as_list(Config.fromfile(path)[key]):
        logits = torch.randn(2, 3, 16, 16, requires_grad=True)
        MODELS.build(settings)(logits, label).backward()
        assert logits.grad.isfinite().all()


@every_file
def test_a_head_of_mmseg_adds_the_losses_up(path):
    losses = Config.fromfile(path).loss_decode
    head = FCNHead(in_channels=4, channels=4, num_convs=1, num_classes=3, norm_cfg=None, loss_decode=losses)
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 3, (1, 16, 16))))
    result = head.loss_by_feat(torch.randn(1, 3, 8, 8, requires_grad=True), [sample])
    names = {MODELS.build(loss).loss_name for loss in as_list(losses)}
    assert set(result) == names | {'acc_seg'}
    sum(result[name] for name in names).backward()


def test_losses_of_one_name_are_added_under_it():
    losses = [dict(type=name, loss_name='loss_both') for name in ('SoftmaxFocalLoss', 'SoftDiceLoss')]
    head = FCNHead(in_channels=4, channels=4, num_convs=1, num_classes=3, norm_cfg=None, loss_decode=losses)
    logits, label = torch.randn(1, 3, 8, 8, requires_grad=True), torch.randint(0, 3, (1, 8, 8))
    result = head.loss_by_feat(logits, [SegDataSample(gt_sem_seg=PixelData(data=label))])
    result['loss_both'].backward()
    expected = sum(MODELS.build(loss)(logits, label) for loss in losses)
    torch.testing.assert_close(result['loss_both'].detach(), expected.detach())


def test_focal_is_the_published_recipe_and_focal_any_fits_any_count():
    focal, focal_any = (Config.fromfile(FOLDER / f'{name}.py').loss_decode for name in ('focal', 'focal_any'))
    assert (focal.type, focal.alpha, focal.gamma) == ('SoftmaxFocalLoss', [0.1, 0.3, 0.6], 2.0)
    for classes in (2, 3, 6):
        assert MODELS.build(focal_any)(torch.zeros(1, classes, 2, 2), torch.ones(1, 2, 2).long()) > 0

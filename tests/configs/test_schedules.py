"""The learning rates that the schedules promise, by stepping the schedulers as a training does."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS, PARAM_SCHEDULERS

import mmseg_ext.engine  # noqa: F401 registers optimisers and schedulers

SCHEDULES = Path(__file__).resolve().parents[2] / 'configs/_base_/schedules'
INTERVALS = {'plateau_20k': 250}  # of a rate that depends on what the validations say


def rates(name: str, at: list[int]) -> list[float]:
    """Learning rates of the iterations ``at`` (0 is the first), relative to the schedule's own."""
    cfg = Config.fromfile(SCHEDULES / f'{name}.py')
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = OPTIMIZERS.build(dict(cfg.optim_wrapper.optimizer, params=[weight]))
    base = optimizer.param_groups[0]['lr']
    schedulers = [PARAM_SCHEDULERS.build(dict(each, optimizer=optimizer)) for each in cfg.param_scheduler]
    found = []
    for _ in range(max(at) + 1):
        found.append(optimizer.param_groups[0]['lr'] / base)
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return [found[iteration] for iteration in at]


def test_every_schedule_is_tested():
    named = {file.stem for file in SCHEDULES.glob('[!_]*k.py')}
    adamw = {f'adamw_{length}k' for length in (20, 40, 80, 160)}
    assert named == adamw | {'plateau_20k', 'schedule_40k', 'schedule_40k_lr160k'}


@pytest.mark.parametrize('thousands', [20, 80, 160])
def test_the_lengths_of_adamw_differ_in_nothing_else(thousands):
    cfg, usual = (Config.fromfile(SCHEDULES / f'adamw_{length}k.py').to_dict() for length in (thousands, 40))
    usual['train_cfg']['max_iters'] = usual['param_scheduler'][1]['end'] = thousands * 1000
    assert cfg == usual


@pytest.mark.parametrize('thousands', [20, 40])
def test_adamw_warms_up_and_falls_to_zero_at_its_own_end(thousands):
    cfg, last = Config.fromfile(SCHEDULES / f'adamw_{thousands}k.py'), thousands * 1000
    assert cfg.train_cfg.max_iters == last
    assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=0.001, betas=(0.9, 0.999), weight_decay=0.05)
    start, halfway, top, middle, end = rates(f'adamw_{thousands}k', [0, 750, 1500, (last + 1500) // 2, last - 1])
    assert start == pytest.approx(1e-6)
    assert halfway == pytest.approx(0.5, abs=1e-3)
    assert top == pytest.approx(1, abs=1e-3)
    assert middle == pytest.approx(0.5, abs=1e-3)
    assert end == pytest.approx(0, abs=1e-4)


def test_a_rate_made_for_160k_has_hardly_fallen_at_40k():
    cfg = Config.fromfile(SCHEDULES / 'schedule_40k_lr160k.py')
    assert cfg.train_cfg == dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
    assert cfg.optim_wrapper == Config.fromfile(SCHEDULES / 'adamw_40k.py').optim_wrapper
    start, top, end = rates('schedule_40k_lr160k', [0, 1500, 39999])
    assert start == pytest.approx(1e-6)
    assert top == pytest.approx(1, abs=1e-3)
    assert end == pytest.approx((160000 - 40000) / (160000 - 1500), abs=1e-3)
    assert end == pytest.approx(0.757, abs=5e-4)


def test_sgd_is_the_usual_schedule():
    cfg = Config.fromfile(SCHEDULES / 'schedule_40k.py')
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005)
    assert cfg.train_cfg == dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
    start, middle, end = rates('schedule_40k', [0, 20000, 39999])
    assert start == 1
    # (rate - 1e-4) falls as (1 - iteration / 40000) ** 0.9, from 0.01 - 1e-4.
    assert middle == pytest.approx(0.99 * 0.5**0.9 + 0.01, abs=1e-4)
    assert end == pytest.approx(0.01, abs=1e-3)


@pytest.mark.parametrize('name', sorted(file.stem for file in SCHEDULES.glob('[!_]*k.py')))
def test_every_schedule_saves_when_it_validates(name):
    cfg = Config.fromfile(SCHEDULES / f'{name}.py')
    assert cfg.train_cfg.val_interval == cfg.default_hooks.checkpoint.interval == INTERVALS.get(name, 4000)
    assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0
    assert cfg.default_hooks.logger.interval == 50


def plateau_rates(name: str, losses: list[float]) -> list[float]:
    """The learning rate after each validation of ``losses``."""
    cfg = Config.fromfile(SCHEDULES / f'{name}.py')
    optimizer = OPTIMIZERS.build(dict(cfg.optim_wrapper.optimizer, params=[torch.nn.Parameter(torch.zeros(1))]))
    (scheduler,) = [PARAM_SCHEDULERS.build(dict(each, optimizer=optimizer)) for each in cfg.param_scheduler]
    rates = []
    for loss in losses:
        scheduler.step({'val_loss': loss})
        rates.append(optimizer.param_groups[0]['lr'])
    return rates


@pytest.mark.parametrize('name', ['plateau_20k', 'plateau_400'])
def test_a_plateau_divides_the_rate_by_ten(name):
    found = plateau_rates(name, [1.0] + [0.5] * 90)
    # The second loss is the last that is lower; the eleventh without a lower one divides the rate, and so on.
    assert found[:13] == [0.01] * 12 + [pytest.approx(1e-3)]
    assert found[23:24] == [pytest.approx(1e-4)]
    assert found[-1] == pytest.approx(1e-8, rel=1e-6)
    assert plateau_rates(name, [1 / (1 + step) for step in range(40)])[-1] == 0.01
    assert plateau_rates(name, [1.0] + [float('nan')] * 11)[-1] == pytest.approx(1e-3)


def test_the_short_plateau_is_the_long_one_but_for_its_length():
    long, short = (Config.fromfile(SCHEDULES / f'{name}.py').to_dict() for name in ('plateau_20k', 'plateau_400'))
    assert long['train_cfg'] == dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=250)
    assert long['val_cfg'] == dict(type='LossValLoop')
    assert long['optim_wrapper']['optimizer'] == dict(type='Adam', lr=0.01, weight_decay=0.0001)
    assert long['default_hooks']['early_stop'] == dict(type='EarlyStopHook', monitor='val_loss', patience=25)
    assert long['default_hooks']['checkpoint']['save_best'] == 'mIoU_fg'
    long['train_cfg'].update(max_iters=400, val_interval=50)
    long['default_hooks']['checkpoint']['interval'], long['default_hooks']['logger']['interval'] = 50, 20
    assert short == long

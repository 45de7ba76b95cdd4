"""The learning rates that the schedules promise, by stepping the schedulers as a training does."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS, PARAM_SCHEDULERS

import mmseg_ext.engine  # noqa: F401 registers optimisers and schedulers

SCHEDULES = Path(__file__).resolve().parents[2] / 'configs/_base_/schedules'


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
    assert named == {'adamw_20k', 'adamw_40k', 'adamw_80k', 'adamw_160k', 'schedule_40k', 'schedule_40k_lr160k'}


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
    assert cfg.train_cfg.val_interval == cfg.default_hooks.checkpoint.interval == 4000
    assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0
    assert cfg.default_hooks.logger.interval == 50

"""Several small batches make the step of a large one, and nothing of a group is lost when a run ends within it."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.registry import OPTIMIZERS, PARAM_SCHEDULERS
from test_early_stop import Killed
from test_processes import both, plain
from test_stopping import saved
from tiny_project import CONFIGS

from mmseg_ext.engine import training
from mmseg_ext.engine.accumulation import accumulation_problems
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import find_problems
from mmseg_ext.engine.training import train
from mmseg_ext.errors import RunError

GROUP, LENGTH = 3, 8  # steps after iterations 3, 6 and 8


def by_hand(weight: torch.Tensor, batches: list[torch.Tensor], max_norm: float) -> torch.Tensor:
    """SGD with a rate of .1 on mean (weight . x)^2 over the rows x of a batch; gradients are cut to a norm."""
    for rows in batches:
        gradient = (2 * (rows @ weight)[:, None] * rows).mean(0)
        weight = weight - 0.1 * gradient * min(1, max_norm / (float(gradient.norm()) + 1e-6))
    return weight


def wrapped(kind: type[OptimWrapper], weight: torch.Tensor) -> OptimWrapper:
    optimizer = torch.optim.SGD([weight], lr=0.1)
    wrapper = kind(optimizer=optimizer, accumulative_counts=GROUP, clip_grad=dict(max_norm=1.0))
    wrapper.initialize_count_status(torch.nn.Identity(), 0, LENGTH)
    return wrapper


@pytest.fixture
def scaler_of_cpus(monkeypatch):
    """Mixed precision asks for a GPU; scaling losses and gradients is the same anywhere."""
    scaler = partial(torch.amp.GradScaler, device='cpu')
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
    monkeypatch.setattr(amp_optimizer_wrapper, 'GradScaler', scaler)


@pytest.mark.usefixtures('scaler_of_cpus')
@pytest.mark.parametrize('kind', [OptimWrapper, AmpOptimWrapper])
def test_a_group_is_the_large_batch_and_the_last_one_counts_what_it_has(kind):
    rows = torch.randn(LENGTH, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    start = torch.linspace(-1, 2, 4, dtype=torch.float64)
    weight, stepped = start.clone().requires_grad_(), []
    wrapper = wrapped(kind, weight)
    for batch in rows:
        before = weight.detach().clone()
        wrapper.update_params((batch @ weight).square().mean())
        stepped.append(not weight.equal(before))
        assert stepped[-1] == wrapper.should_update()
    assert stepped == [False, False, True, False, False, True, False, True]
    expected = by_hand(start, [rows[:3].flatten(0, 1), rows[3:6].flatten(0, 1), rows[6:].flatten(0, 1)], 1.0)
    assert torch.allclose(weight.detach(), expected, rtol=1e-12)


@pytest.mark.usefixtures('scaler_of_cpus')
def test_in_mixed_precision_one_overflow_skips_the_whole_group():
    weight = torch.ones(2, requires_grad=True)
    wrapper = wrapped(AmpOptimWrapper, weight)
    for factor in (1.0, float('inf'), 1.0):
        wrapper.update_params((weight * factor).sum())
    assert weight.tolist() == [1, 1]
    for factor in (1.0, 1.0, 1.0):
        wrapper.update_params((weight * factor).sum())
    assert (weight < 1).all()


@pytest.fixture(scope='module', autouse=True)
def _alone():
    """Training without what comes after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, 'plot_curves', lambda *parts: None)
        patch.setattr(training, 'judge', lambda *parts, training: training)
        yield


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def without_chance(project, **options) -> Config:
    """No augmentation, no dropout, no BatchNorm, images in their order."""
    cfg = plain(project.config(**options))
    steps = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='Resize', scale=(64, 64))]
    cfg.train_dataloader.dataset.pipeline = [*steps, dict(type='PackSegInputs')]
    cfg.train_dataloader.sampler.shuffle = False
    return cfg


def groups(project, **options) -> Config:
    """Eight iterations in groups of three; checkpoints are due after 2, 4, 6, 8, validations after 4 and 8."""
    cfg = without_chance(project, train_cfg__max_iters=LENGTH, train_cfg__val_interval=4, **options)
    cfg.param_scheduler = [dict(type='LinearLR', start_factor=1.0, end_factor=0.5, by_epoch=False, end=LENGTH)]
    cfg.optim_wrapper.accumulative_counts = GROUP
    return cfg


def of_batches(project, size: int, count: int, group: int = 1) -> Config:
    cfg = without_chance(project, train_cfg__max_iters=count, train_cfg__val_interval=count)
    cfg.param_scheduler = []
    cfg.train_dataloader.batch_size, cfg.optim_wrapper.accumulative_counts = size, group
    cfg.optim_wrapper.optimizer.lr = 0.5
    return cfg


def difference(one: Path, other: Path) -> float:
    """The largest between two sets of weights that were saved."""
    before, after = saved(one)['state_dict'], saved(other)['state_dict']
    return max(float((value - after[name]).abs().max()) for name, value in before.items())


@pytest.mark.usefixtures('double')
def test_training_in_groups_is_training_with_large_batches(project, tmp_path):
    train(of_batches(project, size=4, count=2), tmp_path / 'large')
    train(of_batches(project, size=2, count=4, group=2), tmp_path / 'groups')
    train(of_batches(project, size=2, count=4), tmp_path / 'small')
    assert difference(tmp_path / 'large', tmp_path / 'groups') < 1e-10
    assert difference(tmp_path / 'large', tmp_path / 'small') > 1e-3


def train_large_and_in_groups(large: Config, groups: Config, folder: Path, rank: int) -> None:
    torch.set_default_dtype(torch.float64)
    no_sync, silent = torch.nn.parallel.DistributedDataParallel.no_sync, []
    torch.nn.parallel.DistributedDataParallel.no_sync = lambda self: (silent.append(1), no_sync(self))[1]
    train(large, folder / 'large')
    assert not silent
    train(groups, folder / 'groups')
    assert len(silent) == 2  # of four iterations


@pytest.mark.usefixtures('double')
def test_two_processes_exchange_once_a_group_and_make_the_same_step(project, tmp_path):
    large, groups = of_batches(project, size=2, count=2), of_batches(project, size=1, count=4, group=2)
    both(partial(train_large_and_in_groups, large, groups, tmp_path), tmp_path)
    assert difference(tmp_path / 'large', tmp_path / 'groups') < 1e-10


@pytest.fixture(scope='module')
def whole(project, tmp_path_factory) -> Path:
    """The folder of an undisturbed run in groups. Tests only read it."""
    folder = tmp_path_factory.mktemp('groups')
    train(groups(project), folder)
    return folder


def rows(folder: Path, name: str) -> dict[int, float]:
    """{iteration: value} of what was logged."""
    files = sorted(folder.glob('train/*/vis_data/scalars.json'))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return {line['step']: line[name] for line in lines if name in line}


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob('train/ckpt/*.pth'))


def test_rates_and_validations_count_iterations(whole):
    assert list(rows(whole, 'lr').values()) == pytest.approx(
        [0.02 * (1 - 0.5 * i / (LENGTH - 1)) for i in range(LENGTH)]
    )
    assert list(rows(whole, 'mIoU_fg')) == [4, 8]
    assert list(rows(whole, 'loss')) == list(range(1, LENGTH + 1))


@pytest.mark.parametrize(('signal', 'ends'), [(1, 3), (4, 6), (7, 8)])
def test_a_stop_waits_for_the_step_and_nothing_is_lost(project, whole, tmp_path, signal, ends):
    cfg = groups(project)
    cfg.custom_hooks = [dict(type='SignalHook', at=signal, number=15)]
    with pytest.raises(RunError, match=f'stopped after iteration {ends}; everything is saved'):
        train(cfg, tmp_path)
    assert f'iter_{ends}.pth' in files(tmp_path)
    train(cfg, tmp_path, resume=True)
    assert difference(whole, tmp_path) == 0
    assert list(rows(tmp_path, 'mIoU_fg').items()) == list(rows(whole, 'mIoU_fg').items())
    assert files(tmp_path) == files(whole)


@pytest.mark.parametrize(
    ('moment', 'at', 'left'),
    [
        ('iteration', 3, ['nothing']),  # a checkpoint is due since 2
        ('iteration', 6, ['best_mIoU_fg_iter_4.pth', 'iter_3.pth']),  # the gradients of 4 and 5 are nowhere
        ('iteration', 7, ['best_mIoU_fg_iter_4.pth', 'iter_6.pth']),
    ],
)
def test_a_kill_within_a_group_goes_back_to_the_step_before(project, whole, tmp_path, moment, at, left):
    cfg = groups(project)
    cfg.custom_hooks = [dict(type='KillHook', at=at, moment=moment)]
    with pytest.raises(Killed):
        train(cfg, tmp_path)
    assert (files(tmp_path) or ['nothing']) == left
    cfg.custom_hooks = []
    if left != ['nothing']:
        (tmp_path / 'train/config.py').unlink()  # which knows of the hook that kills
        train(cfg, tmp_path, resume=True)
        assert difference(whole, tmp_path) == 0
        assert files(tmp_path) == files(whole)


def test_an_early_end_within_a_group_keeps_the_weights_of_the_last_step(project, tmp_path):
    cfg = groups(project)
    cfg.val_cfg = ConfigDict(type='LossValLoop')
    cfg.default_hooks.early_stop = dict(type='EarlyStopHook', patience=1)
    cfg.custom_hooks = [dict(type='SaidLossHook', said=[1.0] * LENGTH)]
    cfg.train_cfg.val_interval = 2
    record = train(cfg, tmp_path)
    assert (record['iterations'], record['stopped_early']) == (4, True)
    ended, best = saved(tmp_path), read_checkpoint(tmp_path / 'train/ckpt/best_mIoU_fg_iter_2.pth')
    assert files(tmp_path) == ['best_mIoU_fg_iter_2.pth', 'iter_4.pth']
    moved = [name for name, value in ended['state_dict'].items() if not value.equal(best['state_dict'][name])]
    assert len(moved) > 50  # by the step after 3
    assert train(cfg, tmp_path, resume=True)['iterations'] == 4
    assert all(value.equal(saved(tmp_path)['state_dict'][name]) for name, value in ended['state_dict'].items())


@pytest.mark.parametrize('counts', [0, -2, 2.0, 'four', True, None])
def test_what_is_no_number_of_iterations_is_told(project, counts):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', accumulative_counts=counts)))
    (problem,) = accumulation_problems(cfg)
    assert problem.startswith(f'optim_wrapper.accumulative_counts is {counts!r}, not a number of iterations')


def test_the_check_before_training_takes_its_step_all_the_same(project):
    cfg = project.config(**{'+optim_wrapper__accumulative_counts': 4})
    assert find_problems(cfg, ('train',), ()) == ([], [])
    cfg.model.decode_head.loss_decode[1] = dict(type='SpoiltLoss', at=1, gradient=True)
    usage, _ = find_problems(cfg, ('train',), ())
    assert [line[:21] for line in usage] == ['after the first batch']
    cfg.optim_wrapper.accumulative_counts = 0
    usage, _ = find_problems(cfg, ('train',), ())
    assert usage[0].startswith('optim_wrapper.accumulative_counts is 0')


@pytest.mark.filterwarnings('ignore:Detected call')  # the rate counts iterations, not steps
def test_the_schedule_of_indoor_falls_every_five_epochs_between_two_steps():
    cfg = Config.fromfile(CONFIGS / '_base_/schedules/adamw_step_indoor.py')
    epoch, counts = cfg.train_cfg.max_iters // 25, cfg.optim_wrapper.accumulative_counts
    assert (counts, epoch * 25, epoch % counts) == (4, cfg.train_cfg.max_iters, 0)
    assert cfg.train_cfg.val_interval == cfg.default_hooks.checkpoint.interval == epoch
    optimizer = OPTIMIZERS.build(dict(cfg.optim_wrapper.optimizer, params=[torch.nn.Parameter(torch.zeros(1))]))
    (scheduler,) = [PARAM_SCHEDULERS.build(dict(each, optimizer=optimizer)) for each in cfg.param_scheduler]
    used = []
    for iteration in range(cfg.train_cfg.max_iters):
        if (iteration + 1) % counts == 0:
            optimizer.step()
            used.append(optimizer.param_groups[0]['lr'])
        scheduler.step()
    steps = 5 * epoch // counts  # at one rate
    assert used == pytest.approx([1e-3 * 0.75**drop for drop in range(5) for _ in range(steps)])


def test_the_schedule_of_indoor_can_be_swapped_in(project):
    cfg = load_config(project.recipe, ['schedules=adamw_step_indoor'])
    assert cfg.optim_wrapper.accumulative_counts == 4
    assert not list(accumulation_problems(cfg))

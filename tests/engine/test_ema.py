"""An average of the weights is validated and kept; the training itself never notices."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import get_priority
from mmseg.registry import HOOKS
from test_accumulation import difference, rows, without_chance
from test_processes import both
from test_stopping import saved

from mmseg_ext.engine import training
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.hooks import AverageBuffersHook, AveragedWeightsHook, FiniteLossHook
from mmseg_ext.engine.hooks.ema import TRAINED
from mmseg_ext.engine.training import train
from mmseg_ext.errors import RunError

SWITCH, DECAY = '+default_hooks__ema__type', '+default_hooks__ema__decay'
SEEN: list[dict[str, torch.Tensor]] = []


@HOOKS.register_module()
class SeeWeightsHook(Hook):
    """Copies the weights after every iteration."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        SEEN.append({name: value.clone() for name, value in runner.model.state_dict().items()})


def averaged(project, **options) -> Config:
    """Six iterations in groups of two, with BatchNorm; validations after 3, within a group, and after 6."""
    norm = dict(type='BN', requires_grad=True)
    cfg = without_chance(project, **{SWITCH: 'AveragedWeightsHook', DECAY: 0.2}, **options)
    for part in (cfg.model.backbone, cfg.model.decode_head, *cfg.model.auxiliary_head):
        part.norm_cfg = norm
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.optim_wrapper.optimizer.lr = 0.1
    return cfg


def by_hand(steps: list[dict[str, torch.Tensor]], decay: float) -> dict[str, torch.Tensor]:
    """The average after each step given, which begins with the first step's weights and a tenth of the start's."""
    average = {name: value.double() for name, value in steps[0].items()}
    for count, weights in enumerate(steps[1:]):
        left = min(decay, (1 + count) / (10 + count))
        average = {name: left * value + (1 - left) * weights[name].double() for name, value in average.items()}
    return average


def close(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    kept = [name for name, value in found.items() if value.is_floating_point()]
    return all(torch.allclose(found[name].double(), expected[name], rtol=1e-5, atol=1e-6) for name in kept)


@pytest.fixture(scope='module')
def whole(project, tmp_path_factory) -> Path:
    """The folder of a finished run with an average, whose weights after each iteration are in SEEN."""
    folder = tmp_path_factory.mktemp('averaged')
    cfg = averaged(project)
    cfg.custom_hooks = [dict(type='SeeWeightsHook', priority='HIGHEST')]
    SEEN.clear()
    train(cfg, folder)
    return folder


@pytest.fixture
def alone(monkeypatch):
    """Training without what comes after it."""
    monkeypatch.setattr(training, 'plot_curves', lambda *parts: None)
    monkeypatch.setattr(training, 'judge', lambda *parts, training: training)


def start_of(project, folder: Path) -> dict[str, torch.Tensor]:
    """The weights before the first step."""
    cfg = averaged(project, train_cfg__max_iters=1)
    cfg.optim_wrapper.optimizer.lr = 0.0
    train(cfg, folder)
    return saved(folder)[TRAINED]


@pytest.mark.usefixtures('alone')
def test_the_average_is_that_of_the_steps(project, whole, tmp_path):
    start = {name: value for name, value in start_of(project, tmp_path).items() if 'running' not in name}
    last = saved(whole)
    steps = [SEEN[1], SEEN[3], SEEN[5]]  # after iterations 2, 4 and 6
    assert close(last[TRAINED], {name: value.double() for name, value in SEEN[5].items()})
    weights = [{name: values[name] for name in start} for values in steps]
    found = {name: last['state_dict'][name] for name in start}
    assert close(found, by_hand([start, *weights], 0.2))
    assert not close(found, {name: value.double() for name, value in SEEN[5].items()})
    assert last['message_hub']['runtime_info']['averaged_steps'] == 3


def test_statistics_of_batchnorm_are_averaged_and_counts_are_not(whole):
    last = saved(whole)
    (mean, *_) = [name for name in last['state_dict'] if name.endswith('running_mean')]
    fresh = torch.zeros_like(SEEN[0][mean])
    expected = by_hand([{mean: value} for value in (fresh, SEEN[1][mean], SEEN[3][mean], SEEN[5][mean])], 0.2)
    assert torch.allclose(last['state_dict'][mean].double(), expected[mean], rtol=1e-5, atol=1e-7)
    counts = [name for name in last['state_dict'] if 'num_batches' in name]
    assert {int(last['state_dict'][name]) for name in counts} == {6}


def test_what_is_judged_is_what_was_validated(whole):
    result = json.loads((whole / 'train/result.json').read_text())
    best = read_checkpoint(result['checkpoint'])
    assert TRAINED not in best
    for name, value in result['scores'].items():
        validated = rows(whole, name).get(result['iteration'])
        assert value == pytest.approx(validated, abs=5e-3), name
    if result['iteration'] == 6:
        assert all(value.equal(saved(whole)['state_dict'][name]) for name, value in best['state_dict'].items())


@pytest.mark.usefixtures('alone')
def test_the_training_does_not_notice(project, whole, tmp_path):
    cfg = averaged(project)
    del cfg.default_hooks['ema']
    train(cfg, tmp_path)
    assert rows(tmp_path, 'loss') == rows(whole, 'loss')
    plain, trained = saved(tmp_path)['state_dict'], saved(whole)[TRAINED]
    assert all(value.equal(trained[name]) for name, value in plain.items())


@pytest.mark.usefixtures('alone')
def test_a_resumed_run_has_the_same_average(project, whole, tmp_path):
    cfg = averaged(project)
    cfg.custom_hooks = [dict(type='SignalHook', at=3, number=15)]
    with pytest.raises(RunError, match='stopped after iteration 4'):
        train(cfg, tmp_path)
    train(cfg, tmp_path, resume=True)
    assert difference(whole, tmp_path) == 0
    before, after = saved(whole)[TRAINED], saved(tmp_path)[TRAINED]
    assert all(value.equal(after[name]) for name, value in before.items())


def keep_scores(cfg: Config, folder: Path, rank: int) -> None:
    result = train(cfg, folder / 'run')
    torch.save(result['scores'], folder / f'{rank}.pt')


def test_two_processes_keep_what_they_validated(project, tmp_path):
    cfg = averaged(project)
    cfg.train_dataloader.batch_size = 2
    both(partial(keep_scores, cfg, tmp_path), tmp_path)
    result = json.loads((tmp_path / 'run/train/result.json').read_text())
    for name, value in result['scores'].items():
        assert value == pytest.approx(rows(tmp_path / 'run', name)[result['iteration']], abs=5e-3), name


def test_a_validation_sees_the_average_and_what_it_settles_is_kept():
    """AverageBuffersHook changes the statistics in between (several processes) and must find the average there."""
    first, last = get_priority(AveragedWeightsHook.priority), get_priority(AverageBuffersHook.priority)
    assert get_priority(FiniteLossHook.priority) < first < last
    hook, norm = AveragedWeightsHook(), torch.nn.BatchNorm2d(2)
    runner = SimpleNamespace(model=norm)
    hook.before_train(runner)
    norm.weight.data.fill_(3)
    norm.running_mean.fill_(4)
    hook.before_val_epoch(runner)
    assert (norm.weight.tolist(), norm.running_mean.tolist()) == ([1, 1], [0, 0])
    norm.running_mean.fill_(7)
    hook.after_val_epoch(runner)
    assert (norm.weight.tolist(), norm.running_mean.tolist()) == ([3, 3], [4, 4])
    assert (hook.average['weight'].tolist(), hook.average['running_mean'].tolist()) == ([1, 1], [7, 7])


def test_off_unless_asked_for(project):
    assert 'ema' not in project.config().default_hooks
    assert project.config(**{SWITCH: 'AveragedWeightsHook'}).default_hooks.ema == dict(type='AveragedWeightsHook')


@pytest.mark.parametrize('decay', [0, 1, 1.5, -0.1])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(ValueError, match=f'need 0 < decay < 1, got {decay}'):
        AveragedWeightsHook(decay=decay)

"""What makes training faster changes nothing else, and is on record."""

import json
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from test_stopping import saved
from torch import nn

from mmseg_ext.engine import machine
from mmseg_ext.engine.hooks.recent import RecentTerms
from mmseg_ext.engine.training import train
from mmseg_ext.errors import RunError

ADAMW = dict(type='AdamW', lr=0.001, weight_decay=0.05)


def scalars(folder) -> list[dict]:
    return [json.loads(line) for file in folder.glob('train/*/vis_data/scalars.json') for line in file.open()]


def losses(folder) -> list[dict]:
    return [
        {k: v for k, v in row.items() if 'loss' in k or k == 'step'} for row in scalars(folder) if 'loss' in row
    ]


def test_terms_are_read_together_in_the_order_of_their_iterations():
    terms = RecentTerms()
    assert terms.read() == []
    terms.add({'a': torch.tensor(1.0), 'b': torch.tensor([2.5], dtype=torch.float64)})
    terms.add({})
    terms.add({'b': torch.tensor(float('inf'), requires_grad=True), 'c': 4})
    assert terms.read() == [{'a': 1.0, 'b': 2.5}, {'b': float('inf'), 'c': 4.0}]
    assert terms.read() == []


@pytest.mark.parametrize('interval', [1, 4])
def test_the_record_is_the_one_that_mmengine_makes(project, tmp_path, interval):
    cfg = project.config(default_hooks__logger__interval=interval, train_cfg__val_interval=6)
    train(cfg, tmp_path / 'ours')
    cfg.default_hooks.runtime_info = dict(type='RuntimeInfoHook')
    train(cfg, tmp_path / 'theirs')
    assert {interval} <= {row['step'] for row in losses(tmp_path / 'ours')}
    assert losses(tmp_path / 'ours') == losses(tmp_path / 'theirs')
    one, two = (saved(tmp_path / name)['message_hub']['log_scalars'] for name in ('ours', 'theirs'))
    assert set(one) == set(two)
    for name in one:
        if 'loss' in name:
            assert one[name].data[0].tolist() == two[name].data[0].tolist()
            assert len(one[name].data[0]) == 6


def test_no_accuracy_is_logged_and_curves_do_not_miss_it(finished):
    assert not [key for row in scalars(finished) for key in row if 'acc_seg' in key]
    assert (finished / 'train/curves.png').exists()


def test_fast_scnn_on_a_cpu_is_channels_last_and_says_so(finished):
    result = json.loads((finished / 'train/result.json').read_text())
    assert (result['channels_last'], result['compiled'], result['num_workers']) == (True, False, 0)
    weights = saved(finished)['state_dict']
    square = [value for value in weights.values() if value.ndim == 4 and min(value.shape[1:]) > 1]
    assert square
    assert all(value.is_contiguous(memory_format=torch.channels_last) for value in square)


def test_options_change_rounding_only(project, finished, tmp_path):
    cfg = project.config(train_cfg__max_iters=2, train_cfg__val_interval=2, **{'+compile': dict(backend='eager')})
    cfg.run.channels_last = False
    result = train(cfg, tmp_path)
    assert (result['channels_last'], result['compiled']) == (False, True)
    # After a step the rounding has gone through BatchNorm over two values, which makes more of it.
    for one, two, tolerance in zip(losses(tmp_path), losses(finished), (1e-4, 0.03), strict=False):
        assert one == pytest.approx(two, rel=tolerance)


def test_the_command_line_decides_before_the_config_of_a_run():
    from mmseg_ext.engine.cli import _execution

    nothing = dict(amp=False, channels_last=None, compile=False)
    assert _execution(SimpleNamespace(**nothing), {}) == nothing
    before = dict(amp=True, channels_last=False, compile=True)
    assert _execution(SimpleNamespace(**nothing), before) == before
    asked = SimpleNamespace(amp=False, channels_last=True, compile=True)
    assert _execution(asked, dict(channels_last=False)) == dict(amp=False, channels_last=True, compile=True)


@pytest.mark.parametrize(
    ('gpu', 'gains', 'wanted', 'chosen'),
    [
        (False, True, None, True),
        (False, False, None, False),
        (True, True, None, False),
        (False, True, False, False),
        (True, False, True, True),
    ],
)
def test_memory_format(monkeypatch, gpu, gains, wanted, chosen):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    expected = torch.channels_last if chosen else torch.contiguous_format
    cfg = Config(dict(run=dict(channels_last=wanted), model=dict(cpu_channels_last=gains)))
    assert machine.memory_format(cfg) is expected
    assert machine.memory_format(Config(dict(model=dict(type='EncoderDecoder')))) is torch.contiguous_format


@pytest.mark.parametrize(
    ('key', 'flag', 'options'),
    [(None, False, None), (False, False, None), (None, True, {}), (True, False, {}),
     (dict(mode='max-autotune'), False, dict(mode='max-autotune')), ({}, False, {})],
)  # fmt: skip
def test_compile_options(key, flag, options):
    assert machine.compile_options(Config(dict(compile=key, run=dict(compile=flag)))) == options


def test_what_the_machine_lacks_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(machine.shutil, 'which', lambda name: None)
    problems = list(machine.machine_problems(Config(dict(run=dict(amp=True, compile=True)))))
    assert [problem.partition(':')[0] for problem in problems] == ['--amp', '--compile']
    eager = Config(dict(compile=dict(backend='eager'), run=dict(amp=False)))
    assert list(machine.machine_problems(eager)) == []


@pytest.mark.parametrize(
    ('gpu', 'cores', 'processes', 'expected'),
    [(False, 64, 1, 2), (True, 16, 1, 16), (True, 16, 4, 4), (True, 128, 1, 16), (True, 1, 1, 2), (True, 8, 8, 2)],
)
def test_loader_processes(monkeypatch, gpu, cores, processes, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(cores)), raising=False)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    assert machine.loader_processes() == expected
    cfg = Config(
        {name: dict(num_workers=number) for name, number in zip(machine.LOADERS, (None, 0, 7), strict=True)}
    )
    machine.fit_loaders(cfg)
    assert [cfg[name].num_workers for name in machine.LOADERS] == [expected, 0, 7]


def test_a_recipe_leaves_the_number_open():
    base = Config.fromfile('configs/_base_/datasets/_loaders.py')
    assert base.train_dataloader.num_workers is base.val_dataloader.num_workers is None


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    # No bias before BatchNorm: its gradient is rounding, which AdamW would blow up to whole steps.
    return nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 2, 3))


def steps(fused: bool, channels_last: bool = False, scaled: bool = False, count: int = 4) -> list[torch.Tensor]:
    """Weights after some steps whose head learns at a tenth of the rate and without decay."""
    model = network()
    if channels_last:
        model.to(memory_format=torch.channels_last)
    paramwise = dict(custom_keys={'3': dict(lr_mult=0.1, decay_mult=0.0)})
    cfg = dict(type='OptimWrapper', optimizer=dict(ADAMW, fused=fused), paramwise_cfg=paramwise)
    optimizer = build_optim_wrapper(model, cfg).optimizer
    scaler = torch.amp.GradScaler('cpu', enabled=scaled)
    for index in range(count):
        torch.manual_seed(index)
        scaler.scale(model(torch.randn(2, 3, 12, 12)).square().mean()).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return [parameter.detach().contiguous() for parameter in model.parameters()]


@pytest.mark.parametrize('options', [dict(), dict(channels_last=True), dict(scaled=True)])
def test_a_fused_optimiser_takes_the_same_steps(options):
    for one, two in zip(steps(True, **options), steps(False), strict=True):
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-6)


def test_moments_of_another_memory_format_stay_with_their_weights():
    def after(aligned: bool, fused: bool) -> torch.Tensor:
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(4, 5, 3, 3).contiguous(memory_format=torch.channels_last))
        optimizer = torch.optim.AdamW([weight], fused=fused)
        moments = {name: torch.rand(4, 5, 3, 3) for name in ('exp_avg', 'exp_avg_sq')}
        optimizer.state[weight] = dict(step=torch.tensor(3.0), **moments)
        if aligned:
            machine.align_state(optimizer)
            assert all(optimizer.state[weight][name].equal(value) for name, value in moments.items())
        weight.grad = torch.randn(4, 5, 3, 3).contiguous(memory_format=torch.channels_last)
        optimizer.step()
        return weight.detach()

    assert torch.allclose(after(True, fused=True), after(False, fused=False), atol=1e-6)


def test_a_fused_run_goes_on_in_another_memory_format(project, tmp_path):
    cfg = project.config()
    cfg.optim_wrapper.optimizer = dict(ADAMW, fused=True)
    cfg.custom_hooks = [dict(type='SignalHook', at=3, number=int(signal.SIGTERM))]
    cfg.run.channels_last = False
    with pytest.raises(RunError, match='stopped after iteration 3'):
        train(cfg, tmp_path)
    cfg.run.channels_last = True
    result = train(cfg, tmp_path, resume=True)
    assert (result['resumed'], result['channels_last']) == (True, True)
    content = saved(tmp_path)
    shapes = {value.shape: value.stride() for value in content['state_dict'].values() if value.ndim == 4}
    for state in content['optimizer']['state'].values():
        assert state['exp_avg'].stride() == shapes.get(state['exp_avg'].shape, state['exp_avg'].stride())

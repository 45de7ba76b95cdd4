"""A stage ends when its steps or its time are up, goes on where it was stopped, and never loses what it has."""

import csv
import io
import math
import os
import signal

import pytest
import torch
from rich.console import Console

from augment.errors import NonFiniteError, UsageError
from augment.pocket import loop
from augment.pocket.checkpoint import averaged
from augment.pocket.loop import Stage, learning_rate, train
from augment.pocket.settings import StageSettings, TrainSettings


class Fit:
    """The squared distance of a line from points drawn with the generator; may do something at a step."""

    def __init__(self, at=None, then=None):
        torch.manual_seed(0)
        self.line, self.at, self.then, self.calls = torch.nn.Linear(2, 1), at, then, 0

    def __call__(self, generator):
        self.calls += 1
        if self.calls == self.at:
            self.then()
        x = torch.randn(8, 2, generator=generator)
        return (self.line(x) - 3 * x[:, :1] + 1).square().mean()


def stage_of(fit, folder, steps=50, **options):
    settings = StageSettings(steps, 8, 0.1, warmup=5)
    return Stage('line', fit.line, fit, settings, folder, console=Console(file=io.StringIO()), **options)


def test_a_stage_learns_and_writes_its_curve(tmp_path):
    fit = Fit()
    state = train(stage_of(fit, tmp_path, 200, ema=0.5))
    assert state.step == fit.calls == 200
    rows = list(csv.DictReader((tmp_path / 'line.csv').open()))
    assert [int(row['step']) for row in rows] == list(range(20, 201, 20))
    assert float(rows[-1]['loss']) < 0.01 * float(rows[0]['loss'])
    assert fit.line.weight[0].tolist() == pytest.approx([3, 0], abs=0.05)
    averaged_weight = state.average.module.weight
    assert torch.allclose(averaged_weight, fit.line.weight, atol=0.05)
    assert not torch.equal(averaged_weight, fit.line.weight)
    assert not fit.line.training


def test_an_interrupted_stage_ends_with_the_same_bits(tmp_path):
    whole = train(stage_of(Fit(), tmp_path / 'whole'))
    stopped = Fit(at=27, then=lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match='line: stopped after step 27; the same command goes on'):
        train(stage_of(stopped, tmp_path / 'parts'))
    rest = Fit()
    parts = train(stage_of(rest, tmp_path / 'parts'))
    assert rest.calls == 23
    for name in ('module', 'average'):
        a, b = (getattr(state, name).state_dict() for state in (whole, parts))
        assert all(torch.equal(a[key], b[key]) for key in a)
    assert [step for step, _ in parts.curve] == [20, 40]
    assert parts.curve == whole.curve


def test_another_seed_sees_other_batches(tmp_path):
    weights = [train(stage_of(Fit(), tmp_path / str(seed), seed=seed)).module.weight for seed in (0, 1)]
    assert not torch.equal(*weights)


def test_steps_do_not_share_their_random_numbers():
    drawn = {
        (s, k): torch.rand(1, generator=loop.step_generator(s, k)).item() for s in range(3) for k in range(50)
    }
    assert len({*drawn.values()}) == len(drawn)


def test_time_that_is_up_ends_a_stage_for_good(tmp_path, monkeypatch):
    ticks = iter(range(100_000))
    monkeypatch.setattr(loop.time, 'monotonic', lambda: next(ticks))  # a step lasts one second
    state = train(stage_of(Fit(), tmp_path, steps=1000, seconds=7))
    assert (state.step, state.seconds, state.done) == (7, 7, True)
    again = Fit()
    state = train(stage_of(again, tmp_path, steps=1000, seconds=70))
    assert (again.calls, state.step) == (0, 7)


def test_checkpoints_are_written_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, 'SAVE_EVERY', 0)

    def fail():
        raise RuntimeError('power cut')

    with pytest.raises(RuntimeError, match='power cut'):
        train(stage_of(Fit(at=31, then=fail), tmp_path))
    rest = Fit()
    train(stage_of(rest, tmp_path))
    assert rest.calls == 20


def test_a_loss_that_is_not_finite_stops_and_spoils_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, 'SAVE_EVERY', 0)
    fit = Fit(at=11, then=lambda: fit.line.weight.data.fill_(math.nan))
    with pytest.raises(NonFiniteError, match='line: the loss is nan at step 10'):
        train(stage_of(fit, tmp_path))
    saved = torch.load(tmp_path / 'line.pt', weights_only=True)
    assert saved['step'] == 10
    assert saved['module']['weight'].isfinite().all()


def test_the_rate_rises_and_falls():
    settings = StageSettings(100, 1, 2.0, warmup=4)
    rates = [learning_rate(settings, step, step / 100) for step in range(101)]
    assert rates[0] == 0.5
    assert rates[50] == pytest.approx(1)
    assert rates[100] == 0
    assert max(rates) == rates[3] < 2


def test_the_average_follows_early_and_calms_down_later():
    module = torch.nn.Linear(1, 1, bias=False)
    average = averaged(module, 0.9)
    values = [1.0, 2.0, 4.0, *([4.0] * 200), 5.0]
    expected = values[0]
    for number, value in enumerate(values):
        module.weight.data.fill_(value)
        average.update_parameters(module)
        keep = min(0.9, (1 + number) / (10 + number)) if number else 0
        expected = keep * expected + (1 - keep) * value
    assert average.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert expected == pytest.approx(4.1, abs=1e-3)


@pytest.mark.parametrize('content', [b'', b'no checkpoint'])
def test_a_damaged_checkpoint(tmp_path, content):
    (tmp_path / 'line.pt').write_bytes(content)
    with pytest.raises(UsageError, match=r'line\.pt: no checkpoint that can be read; remove it'):
        train(stage_of(Fit(), tmp_path))


def test_a_checkpoint_of_another_network(tmp_path):
    train(stage_of(Fit(), tmp_path))
    other = Fit()
    other.line = torch.nn.Linear(3, 1)
    with pytest.raises(UsageError, match=r'line\.pt: of another network'):
        train(stage_of(other, tmp_path))


@pytest.mark.parametrize(
    'make',
    [
        lambda: StageSettings(0, 1, 1.0),
        lambda: StageSettings(1, 0, 1.0),
        lambda: TrainSettings(dropout=1.0),
        lambda: TrainSettings(ema=-0.1),
        lambda: TrainSettings(kl=-1e-6),
    ],
)
def test_settings_out_of_range(make):
    with pytest.raises(UsageError):
        make()


def test_what_is_said_where_nobody_looks_at_a_terminal(tmp_path):
    stage = stage_of(Fit(), tmp_path, 40)
    train(stage)
    last = stage.console.file.getvalue().splitlines()[-1]
    assert last.startswith('line 100%: step 40, loss ')
    assert last.endswith('s a step, 0:00 left')

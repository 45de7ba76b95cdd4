"""A run ends when its validation no longer gets better, and a kill at any moment changes nothing about it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmseg.registry import HOOKS
from test_stopping import saved

from mmseg_ext.engine import training
from mmseg_ext.engine.hooks import EarlyStopHook
from mmseg_ext.engine.training import train
from mmseg_ext.errors import UsageError

NAN = float('nan')
# A validation an iteration: the rate is halved after the third, fourth, sixth, seventh and eighth, which is the
# third in a row without a lower loss.
COURSE, PATIENCE, ENDS, BEST = [5.0, 4.0, 6.0, 4.0, 3.0, 6.0, 3.0, 5.0, 1.0, 1.0], 3, 8, 7
RATES = [1, 1, 1, 0.5, 0.25, 0.25, 0.125, 0.0625]  # of the eight iterations


class Killed(BaseException):
    """Nobody catches it, as nobody catches a kill."""


@HOOKS.register_module()
class SaidLossHook(Hook):
    """The loss of a validation is what the test says, and the weights after iteration ``BEST`` are the best."""

    priority = 'HIGHEST'  # before it is recorded

    def __init__(self, said: list[float]) -> None:
        self.said = said

    def after_val_epoch(self, runner, metrics=None) -> None:
        metrics.update(val_loss=self.said[runner.iter - 1], mIoU_fg=60.0 if runner.iter == BEST else 50.0)


@HOOKS.register_module()
class KillHook(Hook):
    """Ends iteration ``at``, or the validation after it, with an error; not again in a run that was resumed."""

    def __init__(self, at: int, moment: str) -> None:
        self.at, self.moment = at, moment

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._kill(runner, 'validation', runner.iter)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._kill(runner, 'iteration', runner.iter + 1)

    def _kill(self, runner, moment: str, now: int) -> None:
        if (moment, now) == (self.moment, self.at) and not runner._resume:
            raise Killed


@pytest.fixture(scope='module')
def cfg(project):
    """Without chance in it, which a resumed run would draw anew: no augmentation, no dropout."""
    cfg = project.config(
        train_cfg__max_iters=len(COURSE), train_cfg__val_interval=1, default_hooks__checkpoint__interval=3
    )
    steps = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='Resize', scale=(64, 64))]
    cfg.train_dataloader.dataset.pipeline = [*steps, dict(type='PackSegInputs')]
    for head in (cfg.model.decode_head, *cfg.model.auxiliary_head):
        head.dropout_ratio = 0
    cfg.val_cfg = ConfigDict(type='LossValLoop')
    cfg.param_scheduler = [dict(type='ReduceOnPlateauLR', monitor='val_loss', patience=0, factor=0.5)]
    cfg.default_hooks.early_stop = dict(type='EarlyStopHook', patience=PATIENCE)
    cfg.custom_hooks = [dict(type='SaidLossHook', said=COURSE)]
    return cfg


@pytest.fixture(scope='module')
def stopped(cfg, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('stopped')
    train(cfg, folder)
    return folder


def rows(folder: Path) -> list[dict]:
    files = sorted(folder.glob('train/*/vis_data/scalars.json'))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_the_run_ends_and_says_so(cfg, stopped):
    result = json.loads((stopped / 'train/result.json').read_text())
    assert (result['iterations'], result['stopped_early']) == (ENDS, True)
    assert result['iteration'] == BEST
    assert [row['lr'] for row in rows(stopped) if 'lr' in row] == [0.02 * rate for rate in RATES]
    validations = [row for row in rows(stopped) if 'val_loss' in row]
    assert [row['val_loss'] for row in validations] == COURSE[:ENDS]  # each by itself, not a mean of the last
    assert all(row['val_decode.loss_dice'] > 0 for row in validations)
    said = 'stopped after iteration 8: val_loss has not been better than 3 for 3 validations'
    assert sum(log.read_text().count(said) for log in stopped.glob('train/*/*.log')) == 1
    assert saved(stopped)['meta']['iter'] == ENDS  # though a checkpoint was due after 6 and after 9
    assert 'optimizer' in saved(stopped)
    assert (stopped / 'train/ckpt' / Path(result['checkpoint']).name).exists()


def test_a_run_that_went_to_its_end_says_so(finished):
    result = json.loads((finished / 'train/result.json').read_text())
    assert (result['iterations'], result['stopped_early']) == (6, False)


@pytest.fixture
def unjudged(monkeypatch):
    """Training alone; what it would tell the judge."""
    monkeypatch.setattr(training, 'plot_curves', lambda *parts: None)
    monkeypatch.setattr(training, 'judge', lambda *parts, training: training)


@pytest.mark.parametrize(
    ('at', 'moment', 'priority'),
    [
        (4, 'validation', 85),  # when rate and count are changed, and not saved
        (7, 'validation', 'LOWEST'),  # when the best weights, and all else with them, are just saved
        (6, 'iteration', 'NORMAL'),
        (8, 'validation', 85),  # when it is to end
    ],
)
def test_a_kill_changes_nothing(cfg, stopped, tmp_path, unjudged, at, moment, priority):
    killed = cfg.copy()
    killed.custom_hooks = [*cfg.custom_hooks, dict(type='KillHook', at=at, moment=moment, priority=priority)]
    with pytest.raises(Killed):
        train(killed, tmp_path)
    record = train(killed, tmp_path, resume=True)
    assert (record['iterations'], record['stopped_early'], record['resumed']) == (ENDS, True, True)
    before, after = saved(stopped), saved(tmp_path)
    assert all(value.equal(after['state_dict'][name]) for name, value in before['state_dict'].items())
    assert after['param_schedulers'] == before['param_schedulers']
    assert after['optimizer']['param_groups'] == before['optimizer']['param_groups']
    found = {row['step']: row['lr'] for row in rows(tmp_path) if 'lr' in row}
    assert found == {step: 0.02 * rate for step, rate in enumerate(RATES, 1)}


def test_a_run_that_has_stopped_trains_no_further(cfg, stopped, tmp_path, unjudged, monkeypatch):
    def kill(*parts, training):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, 'judge', kill)
        with pytest.raises(Killed):
            train(cfg, tmp_path)
    logged = rows(tmp_path)
    record = train(cfg, tmp_path, resume=True)
    assert (record['iterations'], record['stopped_early']) == (ENDS, True)
    assert rows(tmp_path) == logged
    weights = saved(stopped)['state_dict']
    assert all(value.equal(weights[name]) for name, value in saved(tmp_path)['state_dict'].items())


def stops_at(values: list[float], **options) -> int | None:
    """The number of the validation after which a run that measures ``values`` ends; None if it goes on."""
    hook = EarlyStopHook('x', patience=2, **options)
    hub, loop = MessageHub(f'stop-{len(values)}'), SimpleNamespace(stop_training=False)
    runner = SimpleNamespace(message_hub=hub, train_loop=loop, iter=0, logger=SimpleNamespace(info=print))
    hook.before_train(runner)
    for count, value in enumerate(values, 1):
        hook.after_val_epoch(runner, {'x': value})
        if loop.stop_training:
            return count
    return None


@pytest.mark.parametrize(
    ('values', 'options', 'expected'),
    [
        ([3, 2, 1, 0], {}, None),
        ([3, 4, 5, 1], {}, 3),
        ([3, 4, 2.9, 4, 2.8, 3], {}, None),  # only validations in a row count
        ([3, 3, 3], {}, 3),  # as good is not better
        ([3, NAN, NAN, 1], {}, 3),
        ([NAN, 3, 2], {}, None),
        ([NAN, NAN, 3], {}, 2),
        ([1, 2, 3], dict(rule='greater'), None),
        ([1, 0, 1, 5], dict(rule='greater'), 3),
    ],
)
def test_when_to_stop(values, options, expected):
    assert stops_at(values, **options) == expected


def test_a_score_that_nobody_measures_is_named():
    with pytest.raises(UsageError, match=r"monitor='x' is not measured; the metrics are mIoU, aAcc"):
        EarlyStopHook('x').after_val_epoch(SimpleNamespace(), {'mIoU': 1.0, 'aAcc': 2.0})


@pytest.mark.parametrize('options', [dict(patience=0), dict(rule='lower')])
def test_settings_without_a_meaning(options):
    with pytest.raises(ValueError, match=r'patience >= 1, got 0|rule must be .* got .lower'):
        EarlyStopHook(**options)

"""A run that is stopped loses nothing; a run that went wrong stops before it spoils what it has."""

import json
import os
import signal
import time

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, MODELS
from torch import Tensor, nn

from mmseg_ext.engine import interrupt
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.training import train
from mmseg_ext.errors import RunError, UsageError


@HOOKS.register_module()
class SignalHook(Hook):
    """Sends this process a signal while iteration ``at`` is running."""

    def __init__(self, at: int, number: int) -> None:
        self.at, self.number = at, number

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter + 1 == self.at and not runner._resume:
            os.kill(os.getpid(), self.number)


@MODELS.register_module()
class SpoiltLoss(nn.Module):
    """Cross-entropy up to call ``at``, then a loss that is ``value``, or whose gradient alone is NaN."""

    def __init__(self, at: int, value: float = float('nan'), gradient: bool = False, loss_name: str = 'loss_bad'):
        super().__init__()
        self.at, self.value, self.gradient, self.loss_name, self.calls = at, value, gradient, loss_name, 0

    def forward(
        self, logits: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        self.calls += 1
        loss = nn.functional.cross_entropy(logits, label, ignore_index=ignore_index)
        if self.calls < self.at:
            return loss
        if self.gradient:
            zero = (logits * 0).sum()
            return loss + torch.where(torch.tensor(True), zero, zero.sqrt())
        return loss * self.value


def saved(folder) -> dict:
    pointer = folder / 'train/ckpt/last_checkpoint'
    return read_checkpoint(pointer.with_name(pointer.read_text()))


@pytest.mark.parametrize(('at', 'number'), [(1, signal.SIGINT), (3, signal.SIGTERM), (6, signal.SIGTERM)])
def test_a_stopped_run_saves_and_goes_on(project, tmp_path, at, number, capfd):
    cfg = project.config()
    cfg.custom_hooks = [dict(type='SignalHook', at=at, number=int(number))]
    with pytest.raises(
        RunError, match=f'stopped after iteration {at}; everything is saved: .* --resume continues'
    ):
        train(cfg, tmp_path)
    assert 'finishing this iteration' in capfd.readouterr().err
    assert saved(tmp_path)['meta']['iter'] == at
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    seconds = saved(tmp_path)['message_hub']['runtime_info']['train_seconds']
    result = train(cfg, tmp_path, resume=True)
    assert saved(tmp_path)['meta']['iter'] == 6
    assert result['resumed'] is True
    assert result['train_seconds'] > seconds > 0
    assert json.loads((tmp_path / 'train/result.json').read_text())['resumed'] is True
    rows = [json.loads(row) for file in tmp_path.glob('train/*/vis_data/scalars.json') for row in file.open()]
    assert sorted(row['step'] for row in rows if 'loss' in row) == [1, 2, 3, 4, 5, 6]
    assert sorted(row['step'] for row in rows if 'mIoU_fg' in row) == [
        3,
        6,
    ]  # also where it was stopped before one


def test_a_resumed_run_remembers_its_best(project, tmp_path):
    cfg = project.config(train_cfg__max_iters=5)
    cfg.custom_hooks = [dict(type='SignalHook', at=4, number=int(signal.SIGTERM))]
    with pytest.raises(RunError):
        train(cfg, tmp_path)
    assert (tmp_path / 'train/config.py').exists()
    with pytest.raises(UsageError, match='begun with another config'):
        train(project.config(), tmp_path, resume=True)
    info = saved(tmp_path)['message_hub']['runtime_info']
    assert info['best_iteration'] == info['last_validation'] == 3


def test_a_second_signal_acts_at_once():
    heard = []
    with pytest.raises(KeyboardInterrupt), interrupt.listening():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)  # what a terminal and a launcher make of one Ctrl-C
        heard.append(interrupt.requested())
        interrupt._received[0] = (signal.SIGINT, time.monotonic() - 10)
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT]
    assert interrupt.requested() is None


@pytest.mark.parametrize(('value', 'said'), [(float('nan'), 'nan'), (float('inf'), 'inf')])
def test_a_loss_that_is_no_number_stops_the_run(project, tmp_path, value, said):
    cfg = project.config()
    cfg.model.decode_head.loss_decode[1] = dict(type='SpoiltLoss', at=3, value=value)
    with pytest.raises(RunError) as caught:
        train(cfg, tmp_path)
    text = str(caught.value)
    assert text.startswith(f'iteration 3: decode.loss_bad is {said}; the batch was {project.data}/img_dir/train/')
    assert text.count('.png') == 2
    assert '\n' not in text
    assert saved(tmp_path)['meta']['iter'] == 2
    assert all(value.isfinite().all() for value in saved(tmp_path)['state_dict'].values())


def test_a_gradient_that_is_no_number_does_not_reach_a_checkpoint(project, tmp_path):
    cfg = project.config()
    cfg.model.decode_head.loss_decode[1] = dict(type='SpoiltLoss', at=4, gradient=True)
    with pytest.raises(RunError, match='are no longer numbers, though the loss was'):
        train(cfg, tmp_path)
    assert saved(tmp_path)['meta']['iter'] == 3
    assert not (tmp_path / 'train/result.json').exists()
    assert not list(tmp_path.rglob('*partial*'))

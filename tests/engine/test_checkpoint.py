"""Checkpoints are read without running code, and only for the model they were made for."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from torch import nn

from mmseg_ext.engine.checkpoint import latest_checkpoint, load_weights, read_checkpoint
from mmseg_ext.engine.training import best_checkpoint
from mmseg_ext.errors import UsageError


class Payload:
    """Pickled, it makes a file when it is loaded by somebody careless."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


class Probe:
    """Pickled, it reaches through an allowed class for the modules behind it."""

    def __reduce__(self) -> tuple:
        return getattr, (HistoryBuffer, '__init__')


def head(classes: int, width: int = 4) -> nn.Module:
    return nn.ModuleDict({'body': nn.Conv2d(3, width, 1), 'conv_seg': nn.Conv2d(width, classes, 1)})


@pytest.mark.parametrize('how', ['torch', 'pickle'])
@pytest.mark.parametrize('read', [read_checkpoint, lambda path: CheckpointLoader.load_checkpoint(str(path))])
def test_code_in_a_checkpoint_is_not_run(tmp_path, how, read):
    content = {'state_dict': {}, 'meta': Payload(tmp_path / 'pwned')}
    path = tmp_path / 'evil.pth'
    path.write_bytes(pickle.dumps(content, 2)) if how == 'pickle' else torch.save(content, path)
    with pytest.raises(UsageError, match=r'could run code when loaded; .* MMSEG_EXT_TRUST_CHECKPOINT=1'):
        read(path)
    assert not (tmp_path / 'pwned').exists()


def test_an_allowed_class_opens_nothing_else(tmp_path):
    torch.save({'state_dict': Probe()}, tmp_path / 'probe.pth')
    with pytest.raises(UsageError):
        read_checkpoint(tmp_path / 'probe.pth')


def test_trust_is_given_by_the_environment_alone(tmp_path, monkeypatch):
    torch.save({'meta': Path('a')}, tmp_path / 'trusted.pth')
    monkeypatch.setenv('MMSEG_EXT_TRUST_CHECKPOINT', '1')
    assert read_checkpoint(tmp_path / 'trusted.pth') == {'meta': Path('a')}


def test_what_our_own_checkpoints_hold_can_be_read(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    torch.save({'hub': history, 'score': np.float64(0.5), 'array': np.arange(3)}, tmp_path / 'own.pth')
    content = read_checkpoint(tmp_path / 'own.pth')
    assert content['hub'].mean() == 1.5
    assert content['array'].tolist() == [0, 1, 2]


def truncated(path: Path) -> None:
    torch.save(head(3).state_dict(), path)
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ('write', 'said'),
    [
        (lambda path: path.write_text('hello\nworld\n'), 'not a checkpoint, or a damaged one'),
        (lambda path: path.write_bytes(b''), 'not a checkpoint, or a damaged one'),
        *(
            (lambda path, seed=seed: path.write_bytes(random.Random(seed).randbytes(999)), 'not a checkpoint')
            for seed in range(8)
        ),
        (lambda path: path.write_bytes(b'Q....'), 'not a checkpoint, or a damaged one'),
        (truncated, 'not a checkpoint, or a damaged one'),
        (lambda path: torch.save([1, 2], path), 'holds a list, not a checkpoint'),
        (lambda path: None, 'no such checkpoint'),
        (Path.mkdir, 'no such checkpoint'),
    ],
)
def test_what_is_no_checkpoint_is_told(tmp_path, write, said):
    write(tmp_path / 'x.pth')
    with pytest.raises(UsageError, match=said):
        read_checkpoint(tmp_path / 'x.pth')


@pytest.mark.parametrize(
    ('other', 'said'),
    [
        (head(6), 'it predicts 6 classes, this config 3'),
        (head(3, width=5), r'body.weight is \(5, 3, 1, 1\) there and \(4, 3, 1, 1\) here'),
        (nn.Sequential(nn.Conv2d(3, 3, 1)), 'no weight of it has a name that this model knows'),
        (head(3)['conv_seg'], 'no weight of it'),
        (nn.ModuleDict({'body': nn.Conv2d(3, 4, 1)}), '2 of 4 weights are missing, the first being conv_seg'),
        (nn.ModuleDict({**head(3), 'more': nn.Linear(1, 1)}), 'it has 2 weights more'),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(tmp_path, other, said):
    torch.save({'state_dict': other.state_dict()}, tmp_path / 'x.pth')
    with pytest.raises(UsageError, match=said):
        load_weights(head(3), tmp_path / 'x.pth')


def test_weights_are_loaded_also_from_a_wrapped_model_and_bare(tmp_path):
    source, target = head(3), head(3)
    torch.save({f'module.{name}': value for name, value in source.state_dict().items()}, tmp_path / 'x.pth')
    load_weights(target, tmp_path / 'x.pth')
    assert all(value.equal(target.state_dict()[name]) for name, value in source.state_dict().items())


def test_the_latest_checkpoint_is_the_newest_that_can_be_read(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    for iteration in (8, 9, 10):
        torch.save({'iteration': iteration}, tmp_path / f'iter_{iteration}.pth')
    (tmp_path / '.iter_12.partial.pth').write_bytes(b'half')
    assert latest_checkpoint(tmp_path).name == 'iter_10.pth'
    (tmp_path / 'last_checkpoint').write_text('iter_9.pth')
    assert latest_checkpoint(tmp_path).name == 'iter_9.pth'
    (tmp_path / 'iter_9.pth').write_bytes(b'')
    assert latest_checkpoint(tmp_path).name == 'iter_10.pth'


def test_checkpoints_that_are_all_damaged_are_not_taken_for_none(tmp_path):
    (tmp_path / 'iter_9.pth').write_bytes(b'')
    with pytest.raises(UsageError, match='damaged'):
        latest_checkpoint(tmp_path)


def test_the_best_checkpoint_or_else_the_last(tmp_path):
    with pytest.raises(UsageError, match='train first'):
        best_checkpoint(tmp_path)
    torch.save({}, tmp_path / 'iter_20.pth')
    assert best_checkpoint(tmp_path).name == 'iter_20.pth'
    for name in ('best_mIoU_fg_iter_9.pth', 'best_mIoU_fg_iter_10.pth'):
        torch.save({}, tmp_path / name)
    assert best_checkpoint(tmp_path).name == 'best_mIoU_fg_iter_10.pth'

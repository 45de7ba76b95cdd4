"""Two processes judge exactly like one, keep equal replicas, and take the step that one takes on both shares."""

import csv
import json
import multiprocessing
import os
import shutil
import traceback
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.hooks import AverageBuffersHook
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.runner import DefectRunner, start_processes, working_copy
from mmseg_ext.engine.training import train
from mmseg_ext.errors import DataError, RunError, UsageError

WORLD = 2


def one_process(rank: int, work, folder: str) -> None:
    os.environ.update(GLOO_SOCKET_IFNAME='lo', RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(WORLD))
    os.chdir(folder)  # mmengine collects through a folder in the working directory
    log = os.open(f'{rank}.log', os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    dist.init_process_group('gloo', init_method=f'file://{folder}/meeting', rank=rank, world_size=WORLD)
    try:
        start_processes('pytorch')
        work(rank)
        dist.destroy_process_group()
    except BaseException:  # noqa: BLE001 whatever it is, the parent shows it
        traceback.print_exc()
        os._exit(1)


def both(work, folder: Path) -> None:
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=one_process, args=(rank, work, str(folder))) for rank in range(WORLD)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        process.kill()  # one that waits for the other for ever fails below, and does not stay
        process.join()
    logs = '\n'.join((folder / f'{rank}.log').read_text() for rank in range(WORLD))
    assert [process.exitcode for process in processes] == [0] * WORLD, logs


def test_judging_equals_one_process_exactly(project, finished, tmp_path):
    cfg, checkpoint = project.config(), finished / 'train/ckpt/iter_6.pth'
    judge(cfg, checkpoint, 'test', tmp_path / 'one')
    both(lambda rank: judge(cfg, checkpoint, 'test', tmp_path / 'two', out_dir=tmp_path / 'masks'), tmp_path)
    one, two = (json.loads((tmp_path / name / 'result.json').read_text()) for name in ('one', 'two'))
    assert one['images'] == 3  # an odd number: one process gets an image twice
    differing = {key for key in one if one[key] != two[key]}
    assert differing <= {'finished', 'seconds', 'images_per_second', 'peak_memory_gib'}
    rows = [list(csv.reader((tmp_path / name / 'per_image.csv').open())) for name in ('one', 'two')]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 4
    assert len(list((tmp_path / 'masks').iterdir())) == 3


def train_and_keep(cfg, folder: Path, rank: int) -> None:
    kept = []
    run = DefectRunner.train
    DefectRunner.train = lambda self: (run(self), kept.append(self))[0]
    train(cfg, folder / 'run')
    torch.save(kept[0].model.module.state_dict(), folder / f'{rank}.pt')


def test_replicas_stay_equal_while_they_train(project, tmp_path):
    cfg = project.config(train_cfg__max_iters=5, train_cfg__val_interval=5)
    both(partial(train_and_keep, cfg, tmp_path), tmp_path)
    one, two = (torch.load(tmp_path / f'{rank}.pt') for rank in range(WORLD))
    assert all(value.equal(two[name]) for name, value in one.items() if 'num_batches' not in name)
    last = read_checkpoint(tmp_path / 'run/train/ckpt/iter_5.pth')['state_dict']
    assert all(value.equal(one[name]) for name, value in last.items() if 'running' not in name)
    assert json.loads((tmp_path / 'run/train/result.json').read_text())['iteration'] == 5


def average_statistics(rank: int) -> None:
    norm = torch.nn.BatchNorm2d(2)
    norm.running_mean.fill_(rank)
    AverageBuffersHook().before_val_epoch(SimpleNamespace(model=norm))
    assert norm.running_mean.tolist() == [0.5, 0.5]
    assert norm.num_batches_tracked == 0


def test_statistics_of_batchnorm_are_averaged(tmp_path):
    both(average_statistics, tmp_path)


def plain(cfg):
    """Without what couples the images of a batch or draws numbers: BatchNorm becomes GroupNorm, no dropout."""
    norm = dict(type='GN', num_groups=2)
    for part in (cfg.model.backbone, cfg.model.decode_head, *cfg.model.auxiliary_head):
        part.norm_cfg = norm
    for head in (cfg.model.decode_head, *cfg.model.auxiliary_head):
        head.dropout_ratio = 0
        head.loss_decode = dict(type='MaskedCrossEntropyLoss')
    return cfg


def gradients(cfg, folder: Path, share: slice) -> dict[str, torch.Tensor]:
    """Gradients of one step on some of the first four training images, cut without chance."""
    torch.set_default_dtype(torch.float64)
    runner = DefectRunner.from_cfg(working_copy(cfg, folder, 'gradients'))
    init_default_scope('mmseg')
    steps = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='Resize', scale=(64, 64))]
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[*steps, dict(type='PackSegInputs')]))
    items = [dataset[index] for index in range(4)][share]
    batch = {key: [item[key] for item in items] for key in items[0]}
    bare = getattr(runner.model, 'module', runner.model)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in bare.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.05 + (parameter.ndim == 1))
    losses = runner.model.train()(**bare.data_preprocessor(batch, True), mode='loss')
    bare.parse_losses(losses)[0].backward()
    torch.set_default_dtype(torch.float32)
    return {name: parameter.grad for name, parameter in bare.named_parameters()}


def share_gradients(cfg, folder: Path, rank: int) -> None:
    torch.save(gradients(cfg, folder / str(rank), slice(2 * rank, 2 * rank + 2)), folder / f'{rank}.pt')


def test_two_shares_give_the_gradients_of_the_whole(project, tmp_path):
    cfg = plain(project.config())
    alone = gradients(cfg, tmp_path / 'alone', slice(0, 4))
    both(partial(share_gradients, cfg, tmp_path), tmp_path)
    for rank in range(WORLD):
        shared = torch.load(tmp_path / f'{rank}.pt')
        assert shared.keys() == alone.keys()
        for name, value in alone.items():
            assert torch.allclose(shared[name], value, rtol=1e-9, atol=1e-12), name
    assert max(value.abs().max() for value in alone.values()) > 1e-3


def spoil_one_share(cfg, folder: Path, rank: int) -> None:
    """Only the second process gets a loss that is no number; both must say so, and say the same."""
    init_default_scope('mmseg')
    head = MODELS.get('FCNHead')
    original = head.loss_by_feat
    if rank == 1:
        head.loss_by_feat = lambda self, *args: {k: v * float('nan') for k, v in original(self, *args).items()}
    with pytest.raises(RunError, match=r'iteration 1: .*loss.* is nan; the batch was') as caught:
        train(cfg, folder / 'run')
    (folder / f'{rank}.txt').write_text(str(caught.value))


def test_a_bad_loss_in_one_process_stops_all(project, tmp_path):
    both(partial(spoil_one_share, project.config(), tmp_path), tmp_path)
    assert (tmp_path / '0.txt').read_text() == (tmp_path / '1.txt').read_text()
    assert not list(tmp_path.rglob('*.pth'))


def stop_one(cfg, folder: Path, rank: int) -> None:
    cfg.custom_hooks = [dict(type='SignalHook', at=3, number=15)] if rank == 1 else []
    with pytest.raises(RunError, match='stopped after iteration 5'):
        train(cfg, folder / 'run')


def test_a_signal_to_one_process_stops_all_after_one_iteration(project, tmp_path):
    import test_stopping  # noqa: F401 registers SignalHook

    cfg = project.config(train_cfg__max_iters=20, train_cfg__val_interval=20)
    both(partial(stop_one, cfg, tmp_path), tmp_path)
    assert read_checkpoint(tmp_path / 'run/train/ckpt/iter_5.pth')['meta']['iter'] == 5


def lose_an_image(cfg, folder: Path, rank: int) -> None:
    if rank == 1:
        cfg.train_dataloader.dataset.data_root = str(folder / 'spoilt')
    with pytest.raises((DataError, RunError)) as caught:
        train(cfg, folder / 'run')
    (folder / f'{rank}.txt').write_text(f'{type(caught.value).__name__} {getattr(caught.value, "alone", False)}')
    os._exit(0)  # the other one must not wait for a farewell


def test_a_process_that_fails_alone_speaks_and_the_others_stop_in_one_line(project, tmp_path):
    shutil.copytree(project.data, tmp_path / 'spoilt')
    for file in (tmp_path / 'spoilt/img_dir/train').iterdir():
        file.write_bytes(b'')
    both(partial(lose_an_image, project.config(), tmp_path), tmp_path)
    assert (tmp_path / '1.txt').read_text() == 'DataError True'
    assert (tmp_path / '0.txt').read_text() == 'RunError False'


def test_a_launcher_that_is_not_there_is_told(monkeypatch):
    for name in ('LOCAL_RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match='start the command with torchrun'):
        start_processes('pytorch')
    with pytest.raises(UsageError, match=r'SLURM_PROCID, .* not set; start with srun'):
        start_processes('slurm')


def test_the_number_of_processes_does_not_change_what_a_config_is(finished):
    assert 'launcher' not in load_config(finished / 'train/config.py')

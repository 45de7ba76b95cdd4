"""kill -9 at any moment leaves a folder that --resume finishes."""

import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.training import train

ITERATIONS = 12


def slow_training(cfg, folder: Path) -> None:
    """Trains with every flush to disk held up, so that a kill often hits a file that is being written."""
    fsync = os.fsync
    os.fsync = lambda number: (time.sleep(0.05), fsync(number))[1]
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    train(cfg, folder, resume=True)


def start(cfg, folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context('fork').Process(target=slow_training, args=(cfg, folder))
    process.start()
    return process


def wait_for(condition, process, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition() and process.is_alive() and time.monotonic() < until:
        time.sleep(0.002)


def partials(folder: Path) -> list[Path]:
    return list(folder.rglob('.*.partial*'))


@pytest.fixture
def cfg(project):
    cfg = project.config(
        train_cfg__max_iters=ITERATIONS, train_cfg__val_interval=4, default_hooks__checkpoint__interval=1
    )
    cfg.param_scheduler = []
    return cfg


def test_killed_again_and_again_and_resumed(cfg, tmp_path):
    rng, saving = random.Random(0), 0
    for attempt in range(5):
        process = start(cfg, tmp_path)
        wait_for(lambda: list(tmp_path.glob('train/ckpt/iter_*.pth')), process)
        time.sleep(rng.uniform(0, 0.4))
        if attempt % 2 == 0:
            wait_for(lambda: [file for file in partials(tmp_path) if 'iter_' in file.name], process)
        process.kill()
        process.join()
        saving += bool(partials(tmp_path))
        for file in tmp_path.rglob('*.pth'):
            if file not in partials(tmp_path):
                read_checkpoint(file)
    assert saving  # at least one kill came while something was being written
    result = train(cfg, tmp_path, resume=True)
    assert not partials(tmp_path)
    assert read_checkpoint(tmp_path / f'train/ckpt/iter_{ITERATIONS}.pth')['meta']['iter'] == ITERATIONS
    assert result['resumed'] is True
    assert json.loads((tmp_path / 'train/result.json').read_text())['scores'].keys() == result['scores'].keys()
    steps = {
        row['step']
        for file in tmp_path.glob('train/*/vis_data/scalars.json')
        for row in map(json.loads, file.read_text().splitlines())
        if 'mIoU_fg' in row
    }
    assert steps == {4, 8, 12}


def test_killed_before_anything_was_saved(cfg, tmp_path):
    process = start(cfg, tmp_path)
    wait_for(lambda: (tmp_path / 'train/config.py').exists(), process)
    process.kill()
    process.join()
    cfg.train_cfg.max_iters = 1
    if not list(tmp_path.glob('train/ckpt/iter_*.pth')):
        assert train(cfg, tmp_path, resume=True)['resumed'] is False

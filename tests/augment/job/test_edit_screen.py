"""What is seen: the place the model runs on, the bar and its lines, what comes after."""

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from augment.editing.runtime import Runtime
from augment.errors import UsageError
from augment.job.closing import how_to_train, summary
from augment.job.device import Place, choose_runtime, find_place, runs_where
from augment.job.progress import Screen, pace

CPU = Place(torch.device('cpu'), 'CPU')


def gpu(free):
    return Place(torch.device('cuda'), 'Some GPU', free)


def test_without_cuda_it_runs_on_the_cpu_and_says_so(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    assert find_place(None) == CPU
    said = runs_where(CPU, Runtime(), small=False)
    assert said == 'no CUDA device: on the CPU, fp32, batch 1; SDXL takes hours a photograph there'
    assert runs_where(CPU, Runtime(), small=True) == 'on the CPU, fp32, batch 1'


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(
        UsageError, match=r'--device cuda:1: no CUDA device here; this build of torch is for CPUs|here; l'
    ):
        find_place('cuda:1')
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    with pytest.raises(UsageError, match='--device cuda:2: there are 2 GPUs, counted from 0'):
        find_place('cuda:2')


@pytest.mark.parametrize(
    ('free', 'side', 'precision', 'expected'),
    [
        (139, 1024, 'auto', Runtime(batch=8)),
        (79, 1024, 'auto', Runtime(batch=8)),
        (23, 1024, 'auto', Runtime(batch=2)),
        (23, 512, 'auto', Runtime(batch=8)),
        (11, 1024, 'auto', Runtime(batch=1, checkpointing=True, split_guidance=True)),
        (39, 1024, 'fp32', Runtime('fp32', batch=1)),
    ],
)
def test_as_much_at_once_as_the_memory_of_a_gpu_holds(free, side, precision, expected):
    assert choose_runtime(gpu(free), side, None, precision, low_resource=False) == expected


def test_what_was_asked_for_counts():
    assert choose_runtime(gpu(139), 1024, 3, 'bf16', low_resource=False) == Runtime('bf16', batch=3)
    lowest = Runtime(batch=1, checkpointing=True, split_guidance=True)
    assert choose_runtime(gpu(139), 1024, None, 'auto', low_resource=True) == lowest
    assert choose_runtime(CPU, 1024, None, 'auto', low_resource=False) == Runtime()


@pytest.mark.parametrize(
    ('seconds', 'done', 'left', 'said'),
    [
        (0, 0, 3, ''),
        (24.6, 2, 20, '12.3 s a photograph, 4:06 left'),
        (100, 1, 200, '100.0 s a photograph, 5:33:20 left'),
        (3, 3, 0, '1.0 s a photograph, 0:00 left'),
    ],
)
def test_the_pace(seconds, done, left, said):
    assert pace(seconds, done, left) == said


def lines_of(screen_at: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=screen_at, width=200, _environ={})
    with Screen(3, console) as screen:
        screen.begin('a')
        screen.end(None)  # done by a former run
        screen.begin('b')
        screen.step('inversion', 2, 50)
        screen._bar.refresh()
        screen.end('1 ok')
        screen.begin('c')
        screen.say('failed: c.png [bold]: damaged')
        screen.end('failed')
    return stream.getvalue()


def test_elsewhere_than_on_a_terminal_each_photograph_is_a_line():
    first, second, third = lines_of(False).splitlines()
    assert first.startswith('[2/3] b: 1 ok; ')
    assert first.endswith(' s a photograph, 0:00 left')
    assert second == 'failed: c.png [bold]: damaged'
    assert third.startswith('[3/3] c: failed; ')


def test_on_a_terminal_the_bar_names_photograph_and_stage():
    said = lines_of(True)
    assert 'b: inversion 2/50' in said
    assert '1/3' in said
    assert 'failed: c.png [bold]: damaged' in said
    assert '[2/3]' not in said


def make_edit(root: Path) -> Path:
    (root / 'ann_dir/train').mkdir(parents=True)
    (root / 'ann_dir/train/a__rust.png').touch()
    return root


def test_how_to_train_where_a_base_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path))
    root = make_edit(tmp_path / 'wta_512_rust')
    [line] = how_to_train(root, 'wta_512')
    assert line.endswith('wta_512-512x512.py --swap datasets=wta_512_rust')
    elsewhere = make_edit(tmp_path / 'other/wta_512_rust')  # the base would read another folder
    assert 'write configs/_base_/datasets/wta_512_rust.py' in how_to_train(elsewhere, 'wta_512')[0]


def test_how_to_train_where_the_base_is_to_be_written(tmp_path):
    lines = how_to_train(make_edit(tmp_path / 'crackforest_rust'), 'crackforest')
    assert [line.strip() for line in lines[1:3]] == [
        "_base_ = './crackforest.py'",
        f"train_dataloader = dict(dataset=dict(data_root='{tmp_path / 'crackforest_rust'}'))",
    ]
    assert lines[3].endswith('configs/quick/ten_minutes.py --swap datasets=crackforest_rust')


def test_nothing_to_train_on(tmp_path):
    assert how_to_train(tmp_path, 'mine') == []


def test_a_line_a_word(tmp_path):
    assert (
        summary(tmp_path, {'rust': {'ok': 2, 'failed': 1}})[0]
        == 'rust         2 ok, 0 rejected, 1 failed, 0 skipped'
    )

"""The command line with the tiny model: by path, with -m, without a network, killed, and trained on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fake_studio import snapshot
from PIL import Image
from synthetic import make_dataset
from tool_runner import run_tool

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / 'augment/p2p_edit.py'
TRIAL = ('--model', 'tiny-random', '--steps', '4')
NO_NETWORK = """
import socket
def refused(*_):
    raise AssertionError('a socket was opened')
socket.socket.connect = socket.socket.connect_ex = refused
"""


def start(*words, cwd, by=(str(SCRIPT),), **environment) -> subprocess.Popen:
    variables = {**os.environ, 'OMP_NUM_THREADS': '1', 'HF_HUB_OFFLINE': '1', **environment}
    command = [sys.executable, *by, *map(str, words)]
    return subprocess.Popen(
        command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def edit(*words, cwd, **options) -> tuple[int, str, str]:
    """Exit code and what was said on the two streams."""
    process = start(*words, cwd=cwd, **options)
    out, error = process.communicate()
    return process.returncode, out, error


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A set of three odd-sized photographs edited by path from another folder, with every socket blocked."""
    root = tmp_path_factory.mktemp('made')
    data = make_dataset(
        root / 'data/wta_512', sizes=(75, 101), counts=dict(train=3, val=2, test=1), ignore_rows=2, seed=3
    )
    (root / 'blocked').mkdir()
    (root / 'blocked/sitecustomize.py').write_text(NO_NETWORK)
    before = snapshot(data)
    out = data.with_name('wta_512_peeling')
    words = ('--word', 'peeling', *TRIAL, '--data', data, '--out', out, '--save-masks', '--label-mode', 'propose')
    code, said, error = edit(*words, cwd=root / 'blocked', PYTHONPATH=str(root / 'blocked'))
    assert code == 0, error
    assert snapshot(data) == before
    return out, data, said, error


def test_the_chain_by_path_without_a_network(made):
    out, data, *_ = made
    stems = [path.stem for path in sorted((data / 'img_dir/train').iterdir())]
    edits = [f'{stem}__peeling' for stem in stems]
    for folder in ('img_dir', 'ann_dir'):
        assert [path.name for path in (out / folder).iterdir()] == ['train']
        assert sorted(path.stem for path in (out / folder / 'train').iterdir()) == sorted([*stems, *edits])
    records = [json.loads(line) for line in (out / 'manifest.jsonl').read_text().splitlines()]
    assert [record['id'] for record in records] == edits
    assert {record['status'] for record in records} == {'ok'}
    assert records[0]['tokens']['target'] == [
        '<|startoftext|>', 'photo</w>', 'of</w>', 'a</w>', 'crack</w>', 'with</w>', 'peeling</w>', '<|endoftext|>'
    ]  # fmt: skip
    run = json.loads((out / 'run.json').read_text())
    assert (run['model']['name'], run['settings']['steps']) == ('tiny-random', 4)
    assert 'torch' in run['model']['versions']
    assert '<html' in (out / 'report.html').read_text()[:2000]


def test_what_a_user_reads(made):
    _, _, said, error = made
    assert '3 photographs of wta_512, towards peeling' in error
    assert 'the edits are noise; the gates: report' in error
    assert 'on the CPU, fp32, batch 1' in error
    assert '[3/3] train_002: 1 ok; ' in error
    assert 'Warning' not in error
    first, *_, last = said.splitlines()
    assert first == 'peeling      3 ok, 0 rejected, 0 failed, 0 skipped'
    assert '--data' not in last
    assert 'tools/train.py' in last


def test_outside_the_region_every_byte_is_the_photographs(made):
    out, data, *_ = made
    changed = 0
    for path in sorted((data / 'img_dir/train').iterdir()):
        before, after = (
            np.array(Image.open(file)) for file in (path, out / f'img_dir/train/{path.stem}__peeling.png')
        )
        region = np.array(Image.open(out / f'masks/{path.stem}__peeling.png')) == 255
        np.testing.assert_array_equal(before[~region], after[~region])
        changed += (before != after).any()
    assert changed == 3


def test_proposed_labels_keep_the_values_and_have_a_review_pack(made):
    out, data, *_ = made
    for path in sorted((data / 'ann_dir/train').iterdir()):
        label = np.array(Image.open(out / f'ann_dir/train/{path.stem}__peeling.png'))
        assert {*np.unique(label)} <= {0, 1, 2, 255}
        assert label.shape == (75, 101)
    reviewed = [json.loads(line) for line in (out / 'manifest.jsonl').read_text().splitlines()]
    names = {record['id'] for record in reviewed if record['needs_review']}
    assert names
    assert {path.stem for path in (out / 'review/labelme').glob('*.json')} == names
    assert (out / 'review/coco.json').is_file()


def test_losses_of_every_step_are_kept(made):
    out, *_ = made
    log = json.loads((out / 'logs/train_000.json').read_text())
    windows = log['peeling']['windows']
    assert windows
    assert all(len(window['steps']) == 4 for window in windows)
    assert all(step['best'] <= step['start'] for window in windows for step in window['steps'])


def test_the_set_trains_as_it_is(made, monkeypatch, tmp_path):
    out, *_ = made
    monkeypatch.setenv('MMSEG_EXT_DATA', str(out.parent))
    monkeypatch.chdir(ROOT)
    loaders = [f'{name}.{key}' for name in ('train_dataloader', 'val_dataloader') for key in
               ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    short = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'train_dataloader.batch_size=2', *loaders]
    recipe = ROOT / 'configs/quick/ten_minutes.py'
    words = ('--swap', 'datasets=wta_512_peeling', '--work-dir', tmp_path / 'work', '--cfg-options', *short)
    assert run_tool('train', recipe, *words) == 0
    assert json.loads((tmp_path / 'work/train/result.json').read_text())['images'] == 2


def test_killed_in_the_middle_and_begun_again_with_m(tmp_path):
    data = make_dataset(tmp_path / 'data/mine', sizes=(64, 64), counts=dict(train=3, val=1, test=0))
    words = ('--word', 'peeling', 'rust', *TRIAL, '--out', 'data/both', '--data', data, '--inversion', 'npi')
    module = dict(by=('-m', 'augment.p2p_edit'), PYTHONPATH=str(ROOT), cwd=tmp_path)
    journal, process = tmp_path / 'data/both/manifest.jsonl', start(*words, **module)
    while process.poll() is None and not (journal.is_file() and journal.read_bytes().count(b'\n') >= 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = journal.read_text().splitlines()
    before = snapshot(tmp_path / 'data/both/img_dir')
    code, out, error = edit(*words, **module)
    assert code == 0, error
    after = snapshot(tmp_path / 'data/both/img_dir')
    ids = {json.loads(line)['id'] for line in done}
    kept = {name: content for name, content in before.items() if Path(name).stem in ids}
    assert len(kept) >= 2
    assert {name: after[name] for name in kept} == kept
    lines = [json.loads(line)['id'] for line in journal.read_text().splitlines()]
    assert lines == [f'train_00{index}__{word}' for index in range(3) for word in ('peeling', 'rust')]
    assert 'rust         3 ok' in out

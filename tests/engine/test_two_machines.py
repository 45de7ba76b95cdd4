"""One run on two machines, each with a launcher of its own, is the run of one machine with two processes."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_project import Project

from mmseg_ext.engine.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ('--cfg-options', 'train_cfg.max_iters=4', 'train_cfg.val_interval=2')
VARYING = {'checkpoint', 'finished', 'images_per_second', 'peak_memory_gib', 'seconds', 'train_seconds'}
# Takes the place of python in bash/dist_train.sh: as many GPUs as processes are asked for, and else python itself.
PYTHON = '#!/bin/sh\nif [ "$1" = -c ]; then echo 2; else exec "{python}" "$@"; fi\n'
# Python reads this before anything else: notes each path below $WATCHED that a process writes, renames or removes.
SITE = """
import os, sys

NOTES = os.open(os.environ['NOTES'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
CHANGES = 'os.rename', 'os.remove', 'os.rmdir', 'os.truncate', 'os.link', 'os.symlink'

def note(event, arguments):
    opened = event == 'open' and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (opened or event in CHANGES) and str(arguments[0]).startswith(os.environ['WATCHED']):
        os.write(NOTES, f'{arguments[0]}\\n'.encode())

sys.addaudithook(note)
"""


@pytest.fixture
def python(tmp_path) -> Path:
    """What stands for python."""
    file = tmp_path / 'python'
    file.write_text(PYTHON.format(python=sys.executable))
    file.chmod(0o755)
    (tmp_path / 'site').mkdir()
    (tmp_path / 'site/sitecustomize.py').write_text(SITE)
    return file


def launch(project: Project, python: Path, processes: int, name: str, **variables: object) -> subprocess.Popen:
    """A launcher that trains into the folder ``name``, and notes what is written there."""
    folder = python.parent / name
    notes = python.with_name(f'{name}-{variables.get("NODE_RANK", "")}.notes')
    own = dict(PYTHON=python, PYTHONPATH=python.with_name('site'), WATCHED=folder, NOTES=notes)
    own |= dict(GLOO_SOCKET_IFNAME='lo', OMP_NUM_THREADS=1) | variables
    return subprocess.Popen(
        ['bash', ROOT / 'bash/dist_train.sh', project.recipe, str(processes), '--work-dir', folder, *OPTIONS],
        env=os.environ | {key: str(value) for key, value in own.items()},
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait(*launchers: subprocess.Popen) -> list[str]:
    """What they printed, once all have ended well."""
    try:
        texts = [launcher.communicate(timeout=240)[0] for launcher in launchers]
    finally:
        for launcher in launchers:
            launcher.kill()
    assert [launcher.returncode for launcher in launchers] == [0] * len(launchers), '\n'.join(texts)
    return texts


def written(notes: Path) -> list[str]:
    """The names of the files that were noted, as they were called in the end."""
    paths = [Path(line) for line in notes.read_text().splitlines()]
    names = [path.name for path in paths if not path.is_dir()]
    return [re.sub(r'^\.(.+)\.\d+\.partial', r'\1', name) for name in names]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


def losses(folder: Path) -> list[tuple[int, float]]:
    (file,) = folder.glob('train/*/vis_data/scalars.json')
    rows = map(json.loads, file.read_text().splitlines())
    return [(row['step'], row['loss']) for row in rows if 'loss' in row]


@pytest.mark.slow
def test_two_launchers_train_what_one_with_two_processes_does(project, python):
    meeting = dict(NNODES=2, MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    both = [launch(project, python, 1, 'two', NODE_RANK=rank, **meeting) for rank in range(2)]
    first, second = wait(*both)
    wait(launch(project, python, 2, 'one'))
    folder = python.parent

    assert 'Iter(train) [4/4]' in first
    assert 'Iter' not in second
    assert {'config.py', 'last_checkpoint', 'train_log.txt'} <= {*written(folder / 'two-0.notes')}
    # The scores of the validation split, which mmengine writes down beside its log in every process.
    assert [Path(name).suffix for name in written(folder / 'two-1.notes')] == ['.json']

    one, two = (json.loads((folder / name / 'train/result.json').read_text()) for name in ('one', 'two'))
    assert {key for key in one if one[key] != two[key]} <= VARYING
    assert [step for step, _ in losses(folder / 'two')] == [1, 2, 3, 4]
    assert losses(folder / 'two') == losses(folder / 'one')
    weights = [read_checkpoint(folder / name / 'train/ckpt/iter_4.pth')['state_dict'] for name in ('one', 'two')]
    assert all(value.equal(weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize(
    ('variables', 'said'),
    [
        (dict(NNODES=2), 'NODE_RANK is missing: which of NNODES=2 machines this is, 0 to 1'),
        (dict(NNODES=2, NODE_RANK=0), 'MASTER_ADDR is missing: the address of the machine with NODE_RANK=0'),
        (dict(NNODES=2, NODE_RANK=2, MASTER_ADDR='a'), 'NODE_RANK=2: with NNODES=2 the machines are 0 to 1'),
        (dict(NNODES=2, NODE_RANK='x', MASTER_ADDR='a'), 'NODE_RANK=x: with NNODES=2 the machines are 0 to 1'),
        (dict(NNODES='two'), 'NNODES=two: how many machines take part, from 1 on'),
    ],
)
def test_what_a_machine_is_not_told_it_asks_for(project, python, variables, said):
    launcher = launch(project, python, 1, 'none', **variables)
    assert launcher.communicate(timeout=60)[0] == f'error: {said}\n'
    assert launcher.returncode == 2


def words(project: Project, python: Path, **variables: object) -> str:
    """The command line that becomes of ``dist_train.sh RECIPE 2 --resume``."""
    python.write_text('#!/bin/sh\nif [ "$1" = -c ]; then echo 2; else echo "$@"; fi\n')
    return wait(launch(project, python, 2, 'none', **variables))[0]


def test_one_machine_needs_none_of_that(project, python):
    said = words(project, python, NODE_RANK=3, MASTER_ADDR='elsewhere')
    assert said.startswith('-m torch.distributed.run --standalone --nproc-per-node 2 ')
    assert f'tools/train.py {project.recipe} --launcher pytorch --work-dir ' in said


def test_the_port_may_be_left_out(project, python):
    said = words(project, python, NNODES=3, NODE_RANK=2, MASTER_ADDR='10.0.0.1')
    assert '--nnodes 3 --node-rank 2 --master-addr 10.0.0.1 --master-port 29500 --nproc-per-node 2 ' in said

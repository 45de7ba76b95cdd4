"""The script for SLURM: what it asks srun for, and what the processes find that srun starts."""

import os
import subprocess
from pathlib import Path

import pytest

from mmseg_ext.engine import runner

ROOT = Path(__file__).resolve().parents[2]
# Takes the place of srun: prints its own options, then runs the command with what SLURM tells a process.
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do
    case $1 in *=*) echo "$1"; shift ;; *) echo "$1=$2"; shift 2 ;; esac
done
export SLURM_JOB_ID=123456 SLURM_JOB_NODELIST='node[7-9]' SLURM_STEP_NODELIST='node[8-9]' SLURM_STEP_ID=2
export SLURM_NTASKS=16 SLURM_PROCID=9 SLURM_LOCALID=1
exec "$@"
"""
SCONTROL = '#!/bin/sh\n[ "$*" = "show hostnames node[8-9]" ] && printf "node8\\nnode9\\n"\n'
PYTHON = '#!/bin/sh\necho "$MASTER_ADDR $MASTER_PORT $OMP_NUM_THREADS"\necho "$@"\n'


@pytest.fixture
def programs(tmp_path) -> Path:
    """A folder with what stands for SLURM and python."""
    for name, text in (('srun', SRUN), ('scontrol', SCONTROL), ('python', PYTHON)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def start(programs: Path, *words: str, **variables: object) -> subprocess.CompletedProcess:
    environment = dict(PATH=f'{programs}:/bin:/usr/bin') | {key: str(value) for key, value in variables.items()}
    command = ['bash', str(ROOT / 'bash/slurm_train.sh'), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_srun_is_asked_for_a_process_for_each_gpu(programs):
    variables = dict(GPUS=16, GPUS_PER_NODE=8, CPUS_PER_TASK=6, SRUN_ARGS='--time=60 --qos=low')
    done = start(programs, 'gpu', 'blades', 'recipe.py', '--cfg-options', 'a.b=[1, 2]', **variables)
    assert done.returncode == 0, done.stderr
    *options, found, command = done.stdout.splitlines()
    asked = '--partition=gpu --job-name=blades --gres=gpu:8 --ntasks=16 --ntasks-per-node=8 --cpus-per-task=6'
    assert options == [*asked.split(), '--kill-on-bad-exit=1', '--time=60', '--qos=low']
    assert found == 'node8 23458 1'
    train = ROOT / 'bash/../tools/train.py'
    assert command == f'{train} recipe.py --launcher slurm --cfg-options a.b=[1, 2]'


@pytest.mark.parametrize(
    ('variables', 'ntasks', 'a_node'),
    [({}, 8, 8), (dict(GPUS=4), 4, 4), (dict(GPUS=32), 32, 8), (dict(GPUS=4, GPUS_PER_NODE=2), 4, 2)],
)
def test_as_many_nodes_as_the_gpus_need(programs, variables, ntasks, a_node):
    said = start(programs, 'gpu', 'blades', 'recipe.py', **variables).stdout.splitlines()
    assert said[2:5] == [f'--gres=gpu:{a_node}', f'--ntasks={ntasks}', f'--ntasks-per-node={a_node}']


def test_a_meeting_place_that_is_given_stays(programs):
    variables = dict(MASTER_ADDR='10.0.0.1', MASTER_PORT=4242, OMP_NUM_THREADS=3)
    assert '\n10.0.0.1 4242 3\n' in start(programs, 'gpu', 'blades', 'recipe.py', **variables).stdout


@pytest.mark.parametrize(
    ('words', 'variables', 'said'),
    [
        (('gpu', 'blades'), {}, 'usage: bash bash/slurm_train.sh PARTITION JOB_NAME CONFIG'),
        (('gpu', 'blades', 'recipe.py'), dict(GPUS='many'), 'error: GPUS=many: a number from 1 on is needed'),
        (('gpu', 'blades', 'recipe.py'), dict(GPUS_PER_NODE=0), 'error: GPUS_PER_NODE=0: a number from 1 on'),
        (('gpu', 'blades', 'recipe.py'), dict(GPUS=12), 'error: GPUS=12 is no multiple of GPUS_PER_NODE=8'),
    ],
)
def test_what_is_wrong_is_one_line(programs, words, variables, said):
    done = start(programs, *words, **variables)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_without_slurm_that_is_said(programs):
    (programs / 'srun').unlink()
    done = start(programs, 'gpu', 'blades', 'recipe.py')
    assert (done.returncode, done.stderr) == (
        2,
        'error: srun not found: start this on a machine of a SLURM cluster\n',
    )


def test_a_process_of_slurm_finds_its_place_in_the_run(monkeypatch):
    given = dict(SLURM_NTASKS='16', SLURM_PROCID='9', SLURM_LOCALID='1', MASTER_ADDR='node8', MASTER_PORT='23458')
    monkeypatch.setattr(os, 'environ', given)
    runner._slurm_to_environment()
    assert given.items() >= dict(WORLD_SIZE='16', RANK='9', LOCAL_RANK='1', MASTER_PORT='23458').items()

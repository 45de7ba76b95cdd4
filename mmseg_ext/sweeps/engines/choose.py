"""Which engine a command line asks for, and how many runs it does at once."""

import argparse
import os
from argparse import ArgumentParser, Namespace

import torch

from mmseg_ext.arguments import positive
from mmseg_ext.engine.machine import cores
from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.jobs import Engine

GIB_A_RUN = 3  # memory that a run on a CPU may take: network, batch and two loader processes


def add_engine_options(parser: ArgumentParser) -> None:
    """``--engine --gpus --jobs --address``."""
    options = parser.add_argument_group('where the runs are done')
    options.add_argument('--engine', choices=('local', 'ray'), default='local', help='this machine, or a cluster')
    options.add_argument('--gpus', type=_count, metavar='N', help='GPUs to use, a run each; 0: CPU; default: all')
    options.add_argument('--jobs', type=positive, metavar='N', help='runs at once; default: what fits')
    options.add_argument('--address', help='of the head of a Ray cluster; default: one of this machine')


def make_engine(args: Namespace, runs: int) -> Engine:
    """The engine for at most ``runs`` runs. UsageError when the machine has not what is asked for."""
    if args.engine == 'ray':
        from mmseg_ext.sweeps.engines.ray_engine import RayEngine  # an extra: nobody else needs Ray

        return RayEngine(args.gpus, args.jobs or runs, args.address)
    if args.address:
        raise UsageError('--address: only a cluster has one; add --engine ray')
    gpus = usable_gpus(args.gpus)
    return LocalEngine(args.jobs or min(len(gpus), runs) or fitting_runs(runs), gpus)


def usable_gpus(asked: int | None) -> tuple[int, ...]:
    """The places of the first ``asked`` GPUs, of all when None; UsageError when there are fewer."""
    here = torch.cuda.device_count()
    if asked is not None and asked > here:
        raise UsageError(f'--gpus {asked}: {_there_are(here)}; take --gpus {here}')
    return tuple(range(here if asked is None else asked))


def fitting_runs(runs: int) -> int:
    """How many of ``runs`` runs share this machine's cores and memory when it has no GPU."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return max(1, min(runs, cores(), int(memory // GIB_A_RUN)))


def _there_are(gpus: int) -> str:
    if gpus == 0:
        return 'there is no GPU here that torch can use'
    return f'there {"is 1 GPU" if gpus == 1 else f"are {gpus} GPUs"} here'


def _count(text: str) -> int:
    """The type of an option that takes a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 0 on')
    return int(text)

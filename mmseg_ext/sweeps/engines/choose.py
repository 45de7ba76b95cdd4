"""Which engine a command line asks for, and how many runs it does at once."""

import argparse
from argparse import ArgumentParser, Namespace

from mmseg_ext.arguments import positive
from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.engines.room import fitting_runs, usable_gpus
from mmseg_ext.sweeps.jobs import Engine


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


def _count(text: str) -> int:
    """The type of an option that takes a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 0 on')
    return int(text)

"""Fit a run to the machine it is on: loader processes, memory format, compilation."""

import os
import shutil
from collections.abc import Iterator

import torch
from mmengine.config import Config

FEWEST, MOST = 2, 16  # loader processes for each process that trains
COMPILERS = ('c++', 'g++', 'clang++', 'cl')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def loader_processes() -> int:
    """How many processes should prepare images for one that trains.

    A GPU waits for its images unless most cores prepare them; each of the GPUs of this machine gets its share. A
    CPU that trains needs its cores for that, and is so slow that two processes are always ahead of it.

    The processes draw their random numbers from seeds of their own, so that another number of them, like another
    seed, is another equally likely course of augmentations. Runs that must agree to the last digit across machines
    state ``num_workers``.
    """
    if not torch.cuda.is_available():
        return FEWEST
    return min(max(cores() // int(os.environ.get('LOCAL_WORLD_SIZE', '1')), FEWEST), MOST)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def fit_loaders(cfg: Config) -> None:
    """Fill in ``num_workers`` where a loader leaves it open; a number that a config states stays."""
    for name in LOADERS:
        if cfg.get(name) and cfg[name].get('num_workers', 0) is None:
            cfg[name].num_workers = loader_processes()


def memory_format(cfg: Config) -> torch.memory_format:
    """What the run asks for, else channels last on a CPU for a model that says it gains from it there.

    On a GPU the gain depends on model, precision and GPU, down to a loss: benchmarks/train_throughput.py tells.
    """
    chosen = cfg.get('run', {}).get('channels_last')
    if chosen is None:
        chosen = cfg.get('model', {}).get('cpu_channels_last', False) and not torch.cuda.is_available()
    return torch.channels_last if chosen else torch.contiguous_format


def compile_options(cfg: Config) -> dict | None:
    """Options for ``torch.compile``, from mmengine's key ``compile`` (a truth value or options) or ``--compile``.

    None: do not compile.
    """
    wanted = cfg.get('compile')
    if wanted is None or wanted is False:
        return {} if cfg.get('run', {}).get('compile') else None
    return {} if wanted is True else dict(wanted)


def machine_problems(cfg: Config) -> Iterator[str]:
    """What the run asks for and this machine lacks."""
    if cfg.run.amp and not torch.cuda.is_available():
        yield '--amp: mixed precision needs a GPU and there is none here; leave --amp out'
    options = compile_options(cfg)
    if options is not None and options.get('backend', 'inductor') == 'inductor' and not _compiler():
        yield '--compile: needs a C++ compiler (g++ or clang++) and there is none here; leave --compile out'


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, [os.environ.get('CXX', ''), *COMPILERS])), None)


def align_state(optimizer: torch.optim.Optimizer) -> None:
    """Give the optimiser's moments the memory order of their parameters, in place.

    A checkpoint brings them in the order of the machine that wrote it, and fused optimisers walk through memory
    without looking at it: they would pair each weight with the moments of another one.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if torch.is_tensor(value) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)

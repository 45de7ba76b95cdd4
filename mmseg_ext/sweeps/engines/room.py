"""What this machine has room for: its GPUs, and how many runs share its cores and memory."""

import os

import torch

from mmseg_ext.engine.machine import cores
from mmseg_ext.errors import UsageError

GIB_A_RUN = 3  # memory that a run on a CPU may take: network, batch and two loader processes


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

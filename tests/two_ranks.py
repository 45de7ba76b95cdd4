"""A metric on two processes that share five images, the last of which is padding on one of them.

from two_ranks import IMAGES, on_two_ranks
ranks = on_two_ranks(evaluate, folder)       # evaluate: indices of images -> what a rank should hand back
"""

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.dataset import DefaultSampler

IMAGES = 5
SHARES = [[0, 2, 4], [1, 3, 0]]  # of the sampler: the first image twice


def on_two_ranks(evaluate: Callable[[list[int]], dict], folder: Path) -> list[dict]:
    """What ``evaluate``, a function of a module, returns on each rank for the images that its sampler gives it."""
    mp.spawn(_one_rank, args=(evaluate, str(folder)), nprocs=2)
    return [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in range(2)]


def _one_rank(rank: int, evaluate: Callable[[list[int]], dict], folder: str) -> None:
    os.environ['GLOO_SOCKET_IFNAME'] = 'lo'
    os.chdir(folder)  # mmengine collects through a folder in the working directory
    dist.init_process_group('gloo', init_method=f'file://{folder}/meeting', rank=rank, world_size=2)
    indices = list(DefaultSampler(range(IMAGES), shuffle=False))
    assert indices == SHARES[rank]
    torch.save(evaluate(indices), Path(folder, f'{rank}.pt'))
    dist.destroy_process_group()

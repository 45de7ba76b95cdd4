"""Two processes that share five images must say exactly what one process says."""

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.dataset import DefaultSampler

from mmseg_ext.evaluation import DefectMetric

CLASSES = ('background', 'attached', 'broken')
IMAGES = 5


def image(index: int) -> dict:
    """Image ``index``; each has another number of pixels, so that a lost or doubled one changes every score."""
    generator = torch.Generator().manual_seed(index)
    label = torch.randint(3, (1, 20, 10 + index), generator=generator)
    pred = torch.where(torch.rand(label.shape, generator=generator) < 0.7, label, 0)
    return {'pred_sem_seg': {'data': pred}, 'gt_sem_seg': {'data': label}, 'img_path': f'{index}.jpg'}


def evaluate(indices: list[int]) -> dict:
    metric = DefectMetric()
    metric.dataset_meta = {'classes': CLASSES}
    for index in indices:
        metric.process(None, [image(index)])
    scores = metric.evaluate(IMAGES)
    return {'scores': scores, 'confusion': metric.confusion, 'per_image': metric.per_image}


def one_rank(rank: int, folder: str) -> None:
    os.environ['GLOO_SOCKET_IFNAME'] = 'lo'
    os.chdir(folder)  # mmengine collects through a folder in the working directory
    dist.init_process_group('gloo', init_method=f'file://{folder}/meeting', rank=rank, world_size=2)
    indices = list(DefaultSampler(range(IMAGES), shuffle=False))
    torch.save(evaluate(indices) | {'indices': indices}, Path(folder, f'{rank}.pt'))
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(one_rank, args=(str(folder),), nprocs=2)
    return [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in range(2)]


def test_the_last_image_is_padding_on_one_rank(ranks):
    assert [rank['indices'] for rank in ranks] == [[0, 2, 4], [1, 3, 0]]


def test_every_rank_gets_the_scores_of_one_process(ranks):
    alone = evaluate(list(range(IMAGES)))
    assert ranks[0]['scores'] == ranks[1]['scores'] == alone['scores']
    assert ranks[0]['confusion'].equal(alone['confusion'])


def test_rows_are_complete_and_in_order_on_the_main_process(ranks):
    assert ranks[0]['per_image'] == evaluate(list(range(IMAGES)))['per_image']
    assert [row['image'] for row in ranks[0]['per_image']] == [f'{index}.jpg' for index in range(IMAGES)]
    assert ranks[1]['per_image'] == []

"""Two processes that share five images must say exactly what one process says."""

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.dataset import DefaultSampler

from mmseg_ext.evaluation import BoundaryMetric, ThresholdMetric

IMAGES = 5


def image(index: int) -> dict:
    """Image ``index``; each has another number of pixels, so that a lost or doubled one changes every score."""
    generator = torch.Generator().manual_seed(index)
    label = (torch.rand(1, 20, 10 + index, generator=generator) < 0.2).long()
    probability = 0.4 * label + 0.6 * torch.rand(label.shape, generator=generator)
    masks = {'pred_sem_seg': {'data': (probability > 0.5).long()}, 'gt_sem_seg': {'data': label}}
    return {'seg_logits': {'data': probability}, 'img_path': f'{index}.jpg', **masks}


def evaluate(indices: list[int]) -> dict:
    metric, contours = ThresholdMetric('deepcrack_tip', tolerance=1), BoundaryMetric(tolerance=0)
    contours.dataset_meta = {'classes': ('background', 'crack')}
    for index in indices:
        metric.process(None, [image(index)])
        contours.process(None, [image(index)])
    scores = metric.evaluate(IMAGES) | contours.evaluate(IMAGES)
    return {'scores': scores, 'curve': metric.curve, 'best': metric.best_threshold}


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
    assert ranks[0]['scores'] == ranks[1]['scores'] == evaluate(list(range(IMAGES)))['scores']


def test_the_curve_stays_on_the_main_process(ranks):
    alone = evaluate(list(range(IMAGES)))
    assert (ranks[0]['curve'], ranks[0]['best']) == (alone['curve'], alone['best'])
    assert (ranks[1]['curve'], ranks[1]['best']) == ({}, None)

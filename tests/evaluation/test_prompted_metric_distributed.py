"""Two processes that share five pairs, the two answers to one query apart, say what one process says."""

import pytest
import torch
from two_ranks import IMAGES, on_two_ranks

from mmseg_ext.evaluation import PromptedMetric


def pair(index: int) -> dict:
    """Pair ``index``: two in a row have the same query, so that each process has one of them."""
    generator = torch.Generator().manual_seed(index // 2)
    own = (torch.rand(1, 20, 20, generator=generator) < 0.2).long()
    answer = own * (torch.rand(own.shape, generator=torch.Generator().manual_seed(index)) < 0.6)
    return {
        'img_path': f'{index // 2}.png',
        'positive': index % 2 == 0,
        'gt_sem_seg': {'data': own * (index % 2 == 0)},
        'own_sem_seg': {'data': own},
        'pred_sem_seg': {'data': answer},
    }


def evaluate(indices: list[int]) -> dict:
    metric = PromptedMetric(response_threshold=0.1)
    metric.process(None, [pair(index) for index in indices])
    return {'scores': metric.evaluate(IMAGES), 'curve': metric.curve}


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict]:
    return on_two_ranks(evaluate, tmp_path_factory.mktemp('ranks'))


def test_every_rank_gets_the_scores_of_one_process(ranks):
    alone = evaluate(list(range(IMAGES)))
    assert ranks[0]['scores'] == ranks[1]['scores'] == alone['scores']
    assert 0 < alone['scores']['prompt_sensitivity'] < 100
    assert (ranks[0]['curve'], ranks[1]['curve']) == (alone['curve'], {})

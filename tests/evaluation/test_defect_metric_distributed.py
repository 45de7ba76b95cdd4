"""Two processes that share five images must say exactly what one process says."""

import pytest
import torch
from two_ranks import IMAGES, on_two_ranks

from mmseg_ext.evaluation import DefectMetric

CLASSES = ('background', 'attached', 'broken')


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


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict]:
    return on_two_ranks(evaluate, tmp_path_factory.mktemp('ranks'))


def test_every_rank_gets_the_scores_of_one_process(ranks):
    alone = evaluate(list(range(IMAGES)))
    assert ranks[0]['scores'] == ranks[1]['scores'] == alone['scores']
    assert ranks[0]['confusion'].equal(alone['confusion'])


def test_rows_are_complete_and_in_order_on_the_main_process(ranks):
    assert ranks[0]['per_image'] == evaluate(list(range(IMAGES)))['per_image']
    assert [row['image'] for row in ranks[0]['per_image']] == [f'{index}.jpg' for index in range(IMAGES)]
    assert ranks[1]['per_image'] == []

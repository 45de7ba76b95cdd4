"""Two processes that share five images must say exactly what one process says."""

import pytest
import torch
from two_ranks import IMAGES, on_two_ranks

from mmseg_ext.evaluation import BoundaryMetric, ThresholdMetric


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


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict]:
    return on_two_ranks(evaluate, tmp_path_factory.mktemp('ranks'))


def test_every_rank_gets_the_scores_of_one_process(ranks):
    assert ranks[0]['scores'] == ranks[1]['scores'] == evaluate(list(range(IMAGES)))['scores']


def test_the_curve_stays_on_the_main_process(ranks):
    alone = evaluate(list(range(IMAGES)))
    assert (ranks[0]['curve'], ranks[0]['best']) == (alone['curve'], alone['best'])
    assert (ranks[1]['curve'], ranks[1]['best']) == ({}, None)

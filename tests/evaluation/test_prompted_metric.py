"""PromptedMetric: the table of the source, scores by hand, what is undefined, what it says of bad input."""

import math

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from mmseg_ext.errors import DataError
from mmseg_ext.evaluation import PromptedMetric

SIZE = 100
SCORES = ('catch_rate', 'yield_rate', 'PES', 'overkill_rate', 'mIoU_pos', 'mIoU_neg', 'prompt_sensitivity')


def mask(pixels: int, value: int = 1) -> torch.Tensor:
    """A label (1, SIZE, SIZE) whose first pixels have a value."""
    label = torch.zeros(SIZE * SIZE, dtype=torch.long)
    label[:pixels] = value
    return label.view(1, SIZE, SIZE)


def pair(image: str, positive: bool, own: torch.Tensor, answer: torch.Tensor) -> dict:
    """What a model and a data set of pairs leave of one of them."""
    sample = SegDataSample(
        metainfo=dict(img_path=f'{image}.png', positive=positive, seg_map_path=f'{image}-l.png')
    )
    sample.gt_sem_seg = PixelData(data=own if positive else own * (own == 255))
    sample.own_sem_seg, sample.pred_sem_seg = PixelData(data=own), PixelData(data=answer)
    return sample.to_dict()


def scored(samples: list[dict], **options) -> tuple[dict[str, float], PromptedMetric]:
    metric = METRICS.build(dict(type='PromptedMetric', **options))
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric


def test_the_table_of_the_source():
    """Eleven images: ten positive answers meet the defect, two negative ones are empty."""
    own, missed = mask(1000), mask(299)
    positive = [pair(str(i), True, own, own if i else missed) for i in range(11)]
    negative = [pair(str(i), False, own, mask(0) if i < 2 else own) for i in range(11)]
    scores, _ = scored(positive + negative)
    assert tuple(scores) == SCORES
    expected = dict(catch_rate=90.9, yield_rate=18.2, PES=54.55, overkill_rate=81.8)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=0.05)
    assert scores['PES'] == pytest.approx(50 * 10 / 11 + 50 * 2 / 11)
    assert scores['mIoU_pos'] == pytest.approx(100 * (10 + 0.299) / 11)
    assert scores['mIoU_neg'] == pytest.approx(100 * 9 / 11)
    # Answers of nine images are the same twice; of the other two the negative one is empty.
    assert scores['prompt_sensitivity'] == pytest.approx(100 * 2 / 11)


def test_who_does_not_look_at_the_prompt_has_50_and_no_sensitivity():
    own = mask(1000)
    scores, _ = scored([pair('a', positive, own, own) for positive in (True, False)])
    assert scores == dict(zip(SCORES, (100, 0, 50, 100, 100, 100, 0), strict=True))


def test_who_answers_the_prompt_has_100():
    own = mask(1000)
    scores, _ = scored([pair('a', True, own, own), pair('a', False, own, mask(0))])
    assert scores == dict(zip(SCORES, (100, 100, 100, 0, 100, 0, 100), strict=True))


def test_who_never_answers():
    scores, _ = scored([pair('a', positive, mask(9), mask(0)) for positive in (True, False)])
    assert scores == dict(zip(SCORES, (0, 100, 50, 0, 0, 0, 0), strict=True))


def test_sensitivity_meets_answers_of_the_same_query_in_any_order():
    own = mask(1000)
    samples = [pair('a', False, own, mask(500)), pair('b', True, own, mask(10)), pair('a', True, own, mask(1000))]
    samples += [pair('c', False, own, mask(3)), pair('a', True, own, mask(0))]
    scores, _ = scored(samples)
    assert scores['prompt_sensitivity'] == pytest.approx(100 * (1 - (0.5 + 0) / 2))


def test_ignored_pixels_are_in_no_count():
    """200 of 10,000 pixels are ignored, 100 of the answer among them."""
    own = mask(300)
    own.view(-1)[200:400] = 255
    answer = mask(300)
    scores, metric = scored([pair('a', True, own, answer), pair('a', False, own, answer)], curve=[0.01, 0.02, 1])
    assert scores['mIoU_pos'] == scores['mIoU_neg'] == 100
    assert metric.results == []
    (kept,) = (metric.measure_image(pair('a', False, own, answer)),)
    assert kept.response == pytest.approx(200 / 9800)


@pytest.mark.parametrize(('positive', 'known'), [(True, 'catch_rate'), (False, 'yield_rate')])
def test_pairs_of_one_kind_leave_the_rest_undefined(positive, known):
    scores, metric = scored([pair('a', positive, mask(9), mask(9))])
    defined = {name for name, value in scores.items() if not math.isnan(value)}
    assert defined == ({'catch_rate', 'mIoU_pos'} if positive else {'yield_rate', 'overkill_rate', 'mIoU_neg'})
    assert known in defined
    assert set(metric.curve['yield_rate']) == ({None} if positive else {0.0, 100.0})


def test_a_query_without_any_defect():
    """Nothing was there and nothing was answered: the yield counts it, no IoU does."""
    scores, _ = scored([pair('a', False, mask(0), mask(0))])
    assert scores['yield_rate'] == 100
    assert math.isnan(scores['mIoU_neg'])


def test_the_curve():
    own = mask(1000)
    samples = [pair(str(i), False, own, mask(pixels)) for i, pixels in enumerate((0, 10, 100, 1000))]
    scores, metric = scored(samples, response_threshold=0.01, curve=[0.0005, 0.001, 0.0011, 0.05, 1])
    assert metric.tag == 'response_rate'
    assert metric.curve == dict(
        threshold=[0.0005, 0.001, 0.0011, 0.05, 1.0], yield_rate=[25.0, 25.0, 50.0, 75.0, 100.0], used=0.01
    )
    assert scores['yield_rate'] == 50
    usual = scored(samples)[1].curve
    assert (len(usual['threshold']), usual['threshold'][0], usual['threshold'][-1]) == (61, 1e-6, 1.0)
    assert (np.diff(usual['yield_rate']) >= 0).all()


def test_thresholds_of_its_own():
    own = mask(1000)
    samples = [pair('a', True, own, mask(400)), pair('b', False, own, mask(5))]
    assert scored(samples)[0]['PES'] == 50
    assert scored(samples, iou_threshold=0.41)[0]['catch_rate'] == 0
    assert scored(samples, response_threshold=0.001)[0]['PES'] == 100


def test_any_class_but_the_background_is_an_answer_and_a_single_logit_is_a_mask():
    scores, _ = scored([pair('a', True, mask(100, 3), mask(100, 2)), pair('b', True, mask(9), mask(9).float())])
    assert scores['mIoU_pos'] == 100


def without(sample: dict, *names: str) -> dict:
    return {name: value for name, value in sample.items() if name not in names}


def test_bad_input_names_the_file():
    good = pair('a', False, mask(9), mask(9))
    small = good | dict(pred_sem_seg=dict(data=mask(9)[:, :50]))
    for sample, message in (
        (without(good, 'positive'), 'nothing says whether the prompt shows .* PromptPairDataset'),
        (without(good, 'own_sem_seg'), 'a negative pair without own_sem_seg, .* test_mode=True'),
        (without(good, 'gt_sem_seg'), 'there is no mask to score against'),
        (small, r'the answer is \(50, 100\), the mask \(100, 100\)'),
    ):
        with pytest.raises(DataError, match=rf'^a-l\.png: {message}'):
            scored([sample])
    with pytest.raises(DataError, match='PromptedMetric: no image was scored'):
        PromptedMetric().compute_metrics([])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(iou_threshold=30), 'iou_threshold is an IoU in 0..1, got 30'),
        (dict(response_threshold=250), r'response_threshold is a share .* got 250; of n pixels .* n / \(H \* W\)'),
        (dict(response_threshold=0), 'above 0 to 1, got 0'),
        (dict(curve=[0.1]), r'ascending shares, above 0 to 1, got \[0.1\]'),
        (dict(curve=[0.0, 0.1]), 'got'),
        (dict(curve=[0.1, 0.1]), 'got'),
        (dict(curve=[0.1, 1.1]), 'got'),
    ],
)
def test_settings_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=f'PromptedMetric: .*{message}'):
        PromptedMetric(**options)


def test_one_line_in_the_log_and_a_warning_without_negative_pairs(monkeypatch):
    lines = []
    monkeypatch.setattr('mmseg_ext.evaluation.prompted_metric.print_log', lambda text, **_: lines.append(text))
    own = mask(1000)
    scored([pair('a', True, own, own)])
    assert lines[0] == '1 positive and 0 negative pairs, %: catch_rate 100.00  mIoU_pos 100.00'
    assert 'no negative pair was scored, so PES is NaN; is negative_ratio of the data set 0?' in lines[1]
    del lines[:]
    scored([pair('a', False, own, own), pair('a', True, own, own)])
    assert len(lines) == 1

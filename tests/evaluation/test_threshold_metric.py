"""ThresholdMetric against loops written from the definitions, and what it says about bad input."""

import logging
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample
from scipy import ndimage

from mmseg_ext.errors import DataError
from mmseg_ext.evaluation import ThresholdMetric

PROTOCOLS = ('bsds', 'deepcrack_tip', 'crackformer', 'macro')


def sample(probability: np.ndarray, label: np.ndarray, name: str = 'a') -> dict:
    return {
        'seg_logits': {'data': torch.as_tensor(probability)[None]},
        'gt_sem_seg': {'data': torch.as_tensor(label).long()[None]},
        'img_path': f'images/{name}.jpg',
        'seg_map_path': f'masks/{name}.png',
    }


def scored(samples: list[dict], **options) -> tuple[dict[str, float], ThresholdMetric]:
    metric = ThresholdMetric(**options)
    metric.process(None, samples)
    scores = metric.evaluate(len(samples))
    return {name.partition('@')[0]: value for name, value in scores.items()}, metric


def noisy_images(count: int = 4, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Float32 maps of 30 x 40 with a bright line where the label has one, or a pixel beside."""
    rng = np.random.default_rng(seed)
    pairs = []
    for index in range(count):
        label, map_ = np.zeros((30, 40), np.int64), 0.6 * rng.random((30, 40)).astype(np.float32) ** 3
        label[:, 10 + index] = 1
        rows = np.arange(30)
        map_[rows, 10 + index + rng.integers(-1, 2, 30)] = rng.uniform(0.4, 1, 30)
        pairs.append((map_, label))
    return pairs


def within(mask: np.ndarray, radius: float) -> np.ndarray:
    reach = int(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return ndimage.binary_dilation(mask, rows**2 + columns**2 <= radius**2)


def f1(hits: float, predicted: float, found: float, true: float) -> float:
    precision, recall = hits / max(predicted, 1), found / max(true, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def loop(pairs: list, grid: np.ndarray, strict: bool, radius: float) -> np.ndarray:
    counts = np.zeros((len(pairs), len(grid), 4))
    for i, (map_, label) in enumerate(pairs):
        for k, threshold in enumerate(grid):
            mask = map_.astype(float) > threshold if strict else map_.astype(float) >= threshold
            hits, found = mask & within(label == 1, radius), (label == 1) & within(mask, radius)
            counts[i, k] = hits.sum(), mask.sum(), found.sum(), (label == 1).sum()
    return counts


def test_bsds_against_the_loop():
    pairs = noisy_images()
    scores, _ = scored([sample(*pair) for pair in pairs], protocol='bsds')
    grid = np.arange(1, 100) / 100
    counts = loop(pairs, grid, False, 0.0075 * 50)
    best_of_images = [image[np.argmax([f1(*row) for row in image])] for image in counts]
    assert scores['OIS'] == pytest.approx(f1(*np.sum(best_of_images, axis=0)), rel=1e-12)
    total, best = counts.sum(0), (0, 0)
    points = [(row[0] / row[1], row[2] / row[3], t) for row, t in zip(total, grid, strict=True)]
    for before, after in pairwise(points):
        for step in np.linspace(0, 1, 100):
            p, r, t = (a + (b - a) * step for a, b in zip(before, after, strict=True))
            best = max(best, (2 * p * r / (p + r), t))
    assert (scores['ODS'], scores['threshold']) == (pytest.approx(best[0]), pytest.approx(best[1]))


@pytest.mark.parametrize(('step', 'score'), [((2, 3), 1), ((0, 3), 1), ((4, 0), 0), ((3, 3), 0)])
def test_the_tolerance_of_bsds_is_a_share_of_the_diagonal(step, score):
    map_, label = np.zeros((300, 400)), np.zeros((300, 400))  # .0075 of 500 is 3.75 pixels
    label[100, 100] = map_[100 + step[0], 100 + step[1]] = 1
    assert scored([sample(map_, label)], protocol='bsds')[0]['ODS'] == score


@pytest.mark.parametrize('radius', [0, 2])
def test_deepcrack_tip_against_the_loop(radius):
    pairs = noisy_images()
    scores, metric = scored([sample(*pair) for pair in pairs], protocol='deepcrack_tip', tolerance=radius)
    counts = loop(pairs, np.arange(1, 100) / 100, False, radius)
    pooled = [f1(*row) for row in counts.sum(0)]
    assert scores['ODS'] == pytest.approx(max(pooled), rel=1e-12)
    assert scores['threshold'] == metric.best_threshold == (np.argmax(pooled) + 1) / 100
    assert metric.curve['f1'] == pytest.approx(pooled, abs=1e-6)
    best_of_images = [image[np.argmax([f1(*row) for row in image])] for image in counts]
    assert scores['OIS'] == pytest.approx(f1(*np.sum(best_of_images, axis=0)), rel=1e-12)


def test_crackformer_against_the_loop():
    pairs = noisy_images()
    scores, _ = scored([sample(*pair) for pair in pairs], protocol='crackformer')
    stored = [(np.rint(map_ * 255).astype(float) / 255, label) for map_, label in pairs]
    counts = loop(stored, np.arange(100) / 100, True, 0)
    assert scores['ODS'] == pytest.approx(max(f1(*row) for row in counts.sum(0)), rel=1e-12)
    assert scores['OIS'] == pytest.approx(np.mean([max(f1(*row) for row in image) for image in counts]), rel=1e-12)


@pytest.mark.parametrize(
    ('protocol', 'value', 'score'),
    [('bsds', 0.5, 1), ('deepcrack_tip', 0.5, 1), ('crackformer', 0.2, 0), ('macro', 0.5, 0)],
)
def test_a_probability_equal_to_the_threshold(protocol, value, score):
    built = sample(np.array([[value, 0]]), np.array([[1, 0]]))
    assert scored([built], protocol=protocol, thresholds=(value,))[0]['ODS'] == score


def test_crackformer_sees_8_bits():
    # 127.4 / 255 is stored as 127, which is not above .499; the float is.
    label = np.array([[1, 0]])
    map_ = np.array([[127.4 / 255, 0.4]], np.float32)
    assert scored([sample(map_, label)], protocol='crackformer', thresholds=(0.499,))[0]['ODS'] == 0
    assert scored([sample(map_, label)], protocol='macro', thresholds=(0.499,))[0]['ODS'] == 1


def test_macro_against_the_loop():
    pairs = noisy_images()
    scores, _ = scored([sample(*pair) for pair in pairs], protocol='macro')
    counts = loop(pairs, np.arange(101) / 100, True, 0)
    each = np.array([[f1(*row) for row in image] for image in counts])
    assert scores['ODS'] == pytest.approx(each.mean(0).max(), rel=1e-12)
    assert scores['OIS'] == pytest.approx(each.max(1).mean(), rel=1e-12)


def test_without_its_tolerance_a_score_says_nothing():
    pairs = noisy_images()
    samples = [sample(*pair) for pair in pairs]
    strict, tolerant = (scored(samples, protocol='deepcrack_tip', tolerance=r)[0]['ODS'] for r in (0, 2))
    assert strict < 0.45
    assert tolerant > 0.8


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_ignored_pixels_count_nowhere(protocol):
    (map_, label), *_ = noisy_images(1)
    label[:7] = 255
    cut = scored([sample(map_[7:], label[7:])], protocol=protocol, tolerance=0)[0]
    assert scored([sample(map_, label)], protocol=protocol, tolerance=0)[0] == cut
    loud, silent = map_.copy(), map_.copy()
    loud[:7], silent[:7] = 1, 0
    for options in ({}, {'thin': True}, {'one_to_one': True}):
        one, other = (
            scored([sample(m, label)], protocol=protocol, tolerance=2, **options)[0] for m in (loud, silent)
        )
        assert one == other


def test_two_channels_are_logits():
    (map_, label), *_ = noisy_images(1)
    logits = torch.from_numpy(map_).double().logit(1e-9)
    single = scored([sample(map_, label)], protocol='deepcrack_tip')[0]
    double = sample(map_, label)
    double['seg_logits']['data'] = torch.stack([torch.zeros_like(logits), logits])
    assert scored([double], protocol='deepcrack_tip')[0] == pytest.approx(single, abs=1e-3)


def test_several_defect_classes_are_one_line_against_the_background():
    logits = torch.tensor([[[2.0, 0.0]], [[0.0, 0.9]], [[0.0, 0.8]]])  # p = 2/(2+e²) = .213 and .826
    built = sample(np.zeros((1, 2)), np.array([[0, 2]]))
    built['seg_logits']['data'] = logits
    assert scored([built], protocol='macro', thresholds=(0.2,))[0]['ODS'] == pytest.approx(2 / 3)
    assert scored([built], protocol='macro', thresholds=(0.22,))[0]['ODS'] == 1
    assert scored([built], protocol='macro', thresholds=(0.82,))[0]['ODS'] == 1


def test_a_softmax_that_is_sure_stays_within_1():
    built = sample(np.zeros((50, 50)), np.ones((50, 50)))
    logits = 5 * torch.randn(6, 50, 50, generator=torch.Generator().manual_seed(0))
    built['seg_logits']['data'] = logits.index_fill(0, torch.tensor(0), -200.0)
    assert (built['seg_logits']['data'].softmax(0)[1:].sum(0) > 1).any()  # by rounding
    assert scored([built])[0]['recall'] == 1


def test_curve_and_best_threshold_are_left_behind():
    scores, metric = scored([sample(*noisy_images(1)[0])], protocol='macro')
    assert metric.tag == 'macro-0px'
    assert metric.best_threshold == scores['threshold']
    assert list(metric.curve) == ['threshold', 'precision', 'recall', 'f1']
    assert {len(values) for values in metric.curve.values()} == {101}
    assert metric.curve['precision'][-1] is None  # nothing exceeds 1
    assert metric.curve['threshold'][29] == 0.29
    assert max(metric.curve['f1']) == round(scores['ODS'], 6)
    assert all(type(value) is float for value in scores.values())


def test_names_of_the_scores():
    metric = ThresholdMetric(thin=True, prefix='val')
    metric.process(None, [sample(*noisy_images(1)[0])])
    names = [f'val/{name}@bsds-0.0075d-thin' for name in ('ODS', 'OIS', 'AP', 'threshold', 'precision', 'recall')]
    assert list(metric.evaluate(1)) == names


def test_only_counts_are_kept():
    metric = ThresholdMetric('macro')
    metric.process(None, [sample(*pair) for pair in noisy_images()])
    assert [counts.shape for counts in metric.results] == [(101, 4)] * 4


@pytest.fixture
def said(monkeypatch) -> list[tuple[str, int]]:
    """Text and level of what is logged."""
    lines = []
    keep = lambda text, logger, level=logging.INFO: lines.append((text, level))  # noqa: E731
    monkeypatch.setattr('mmseg_ext.evaluation.threshold_metric.print_log', keep)
    return lines


def test_no_labelled_pixel_at_all(said):
    map_, label = noisy_images(1)[0]
    scores, metric = scored([sample(map_, np.zeros_like(label)), sample(map_, np.where(label == 1, 255, 0))])
    assert all(math.isnan(value) for value in scores.values())
    assert metric.best_threshold is None
    assert set(metric.curve['f1']) == {None}
    ((text, level),) = said
    assert level == logging.WARNING
    assert 'bsds-0.0075d: no mask of this split labels anything, so ODS, OIS and AP are NaN' in text
    assert 'call a defect 255, which is ignored?' in text


def test_no_threshold_is_best_where_none_hits_anything(said):
    scores, metric = scored([sample(np.array([[0.0, 0.9]]), np.array([[1, 0]]))], protocol='macro')
    assert (scores['ODS'], scores['threshold'], metric.best_threshold) == (0, 1, None)
    assert [level for _, level in said] == [logging.INFO]


def test_one_line_is_logged(said):
    label = np.array([[0, 1, 1, 0]])
    scored([sample(np.array([[0.1, 0.9, 0.3, 0.6]]), label)], protocol='macro')
    # Precision 1 up to recall 1/2, then down to 2/3 at 1: AP (51 + 41.5) / 101. The .1 of a float32 exceeds .1.
    line = 'macro-0px: ODS 0.8000 at threshold 0.11 (precision 0.6667, recall 1.0000), OIS 0.8000, AP 0.9158'
    assert said == [(line, logging.INFO)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(gt_sem_seg={'data': torch.full((1, 30, 40), 128)}), r'mask value 128 on 1200 pixels.*0/255 or grey'),
        (dict(gt_sem_seg={'data': torch.full((1, 30, 40), -1)}), r'mask value -1'),
        (
            dict(gt_sem_seg={'data': torch.zeros(1, 30, 41).long()}),
            r'the map is \(30, 40\) but the mask is \(30, 41\)',
        ),
        (dict(seg_logits={'data': torch.full((1, 30, 40), 1.01)}), r'within 0\.\.1, these are 1\.01 to 1\.01'),
        (dict(seg_logits={'data': torch.full((1, 30, 40), math.nan)}), 'are they logits, or NaN'),
        (dict(seg_logits={'data': torch.full((2, 30, 40), math.nan)}), 'are they logits, or NaN'),
    ],
)
@pytest.mark.parametrize('protocol', ['bsds', 'crackformer'])
def test_bad_input_names_the_file(change, message, protocol):
    built = sample(*noisy_images(1)[0], name='crack_7') | change
    with pytest.raises(DataError, match=r'masks/crack_7\.png: .*' + message):
        ThresholdMetric(protocol).process(None, [built])


@pytest.mark.parametrize(('key', 'message'), [('gt_sem_seg', 'LoadAnnotations'), ('seg_logits', 'no seg_logits')])
def test_what_is_missing(key, message):
    built = sample(*noisy_images(1)[0])
    del built[key]
    with pytest.raises(DataError, match=message):
        ThresholdMetric().process(None, [built])


def test_no_image_at_all():
    with pytest.raises(DataError, match='no image was scored'):
        ThresholdMetric().compute_metrics([])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(protocol='bsd'), 'did you mean bsds'),
        (dict(tolerance=-1), 'tolerance is a distance of 0 pixels or more, got -1'),
        (dict(tolerance=math.nan), 'tolerance'),
        (dict(tolerance=math.inf), 'tolerance'),
        (dict(thresholds=(0.5, 0.1)), 'ascend'),
        (dict(thresholds=(0.5, 1.2)), 'ascend within'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ThresholdMetric(**options)


def test_through_the_registry_and_the_evaluator():
    map_, label = noisy_images(1)[0]
    metric = METRICS.build(dict(type='ThresholdMetric', protocol='macro', tolerance=2))
    evaluator = Evaluator([metric])
    data = SegDataSample(
        seg_logits=PixelData(data=torch.from_numpy(map_)[None]),
        gt_sem_seg=PixelData(data=torch.from_numpy(label)[None]),
    )
    evaluator.process([data])
    assert evaluator.evaluate(1)['ODS@macro-2px'] > 0.8

"""DefectMetric by hand, against mmseg's IoUMetric where that is right, and what it says about bad input."""

import math

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from mmseg_ext.errors import DataError
from mmseg_ext.evaluation import DefectMetric

CLASSES = ('background', 'attached', 'broken')


def pixels(text: str) -> torch.Tensor:
    """'0012 0.00' as a (1, H, W) mask; '.' is 255."""
    return torch.tensor([[[255 if pixel == '.' else int(pixel) for pixel in row] for row in text.split()]])


def sample(pred: torch.Tensor | str, label: torch.Tensor | str, name: str = 'a') -> dict:
    pred, label = (pixels(mask) if isinstance(mask, str) else mask for mask in (pred, label))
    return {
        'pred_sem_seg': {'data': pred},
        'gt_sem_seg': {'data': label},
        'img_path': f'images/{name}.jpg',
        'seg_map_path': f'masks/{name}.png',
    }


def metric(**options) -> DefectMetric:
    metric = DefectMetric(**options)
    metric.dataset_meta = {'classes': CLASSES}
    return metric


def scored(*samples: dict, **options) -> tuple[dict[str, float], DefectMetric]:
    built = metric(**options)
    built.process(None, samples)
    return built.evaluate(len(samples)), built


TWO_IMAGES = [
    sample('0011 0011 0000', '0011 0001 0000', 'a'),
    sample('0000 0000 2200', '2000 0000 .200', 'b'),
]


def test_scores_by_hand():
    scores, built = scored(*TWO_IMAGES)
    # a: 8 background and 3 attached are right, 1 background is called attached.
    # b: 9 background and 1 broken are right, 1 broken is missed.
    assert built.confusion.tolist() == [[17, 1, 0], [0, 3, 0], [1, 0, 1]]
    assert built.confusion.dtype == torch.int64
    expected = {
        'aAcc': 21 / 23,
        'mIoU': (17 / 19 + 3 / 4 + 1 / 2) / 3,
        'mAcc': (17 / 18 + 1 + 1 / 2) / 3,
        'mF1': (34 / 36 + 6 / 7 + 2 / 3) / 3,
        'mIoU_fg': (3 / 4 + 1 / 2) / 2,
        'mAcc_fg': (1 + 1 / 2) / 2,
        'IoU.background': 17 / 19,
        'IoU.attached': 3 / 4,
        'IoU.broken': 1 / 2,
        'Acc.background': 17 / 18,
        'Acc.attached': 1,
        'Acc.broken': 1 / 2,
        'F1.background': 34 / 36,
        'F1.attached': 6 / 7,
        'F1.broken': 2 / 3,
        'Found.attached': 1,
        'Found.broken': 1 / 2,
        'FalseAlarms': 0,
    }
    assert scores == pytest.approx({name: 100 * value for name, value in expected.items()}, rel=1e-12)
    assert all(type(value) is float for value in scores.values())


def test_the_decision_of_a_single_logit_is_written_in_floats():
    def answers(kind: torch.dtype) -> dict[str, float]:
        scores, _ = scored(sample(pixels('0011 0110').to(kind), '0011 0100'))
        return {name: value for name, value in scores.items() if not math.isnan(value)}

    assert answers(torch.float32) == answers(torch.int64)


def test_one_row_an_image():
    _, built = scored(*TWO_IMAGES)
    first, second = built.per_image
    assert first == pytest.approx(
        {
            'image': 'images/a.jpg',
            'IoU_fg': 75.0,
            'FalseAlarms': 0,
            'IoU.background': 100 * 8 / 9,
            'labelled.background': 9,
            'predicted.background': 8,
            'correct.background': 8,
            'IoU.attached': 75.0,
            'labelled.attached': 3,
            'predicted.attached': 4,
            'correct.attached': 3,
            'found.attached': 1,
            'components.attached': 1,
            'IoU.broken': math.nan,
            'labelled.broken': 0,
            'predicted.broken': 0,
            'correct.broken': 0,
            'found.broken': 0,
            'components.broken': 0,
        },
        nan_ok=True,
    )
    assert (second['IoU_fg'], second['found.broken'], second['components.broken']) == (50.0, 1, 2)
    assert list(first) == list(second)
    assert {type(value) for row in (first, second) for value in row.values()} == {str, int, float}


@pytest.mark.parametrize('seed', range(3))
def test_agrees_with_mmseg_where_every_class_occurs(seed):
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for _ in range(4):
        label = torch.randint(3, (1, 30, 40), generator=generator)
        pred = torch.where(torch.rand(label.shape, generator=generator) < 0.6, label, label.roll(1))
        label[0, :4, :9] = 255
        samples.append(sample(pred, label))
    upstream = IoUMetric(iou_metrics=['mIoU', 'mFscore'], prefix='upstream')
    upstream.dataset_meta = {'classes': CLASSES}
    upstream.process(None, samples)
    theirs = upstream.evaluate(len(samples))
    ours, _ = scored(*samples)
    for name, their_name in {'aAcc': 'aAcc', 'mIoU': 'mIoU', 'mAcc': 'mAcc', 'mF1': 'mFscore'}.items():
        assert ours[name] == pytest.approx(theirs[f'upstream/{their_name}'], abs=0.006)  # they round to 0.01


def test_a_class_nowhere_is_nan_and_in_no_mean():
    scores, _ = scored(sample('0011', '0010'))
    assert all(math.isnan(scores[f'{name}.broken']) for name in ('IoU', 'Acc', 'F1', 'Found'))
    assert scores['mIoU_fg'] == scores['IoU.attached'] == 50
    assert scores['mF1'] == pytest.approx((scores['F1.background'] + scores['F1.attached']) / 2)


def test_a_hallucinated_class_costs_iou_and_f1_but_has_no_recall():
    scores, _ = scored(sample('0012', '0010'))
    assert scores['IoU.broken'] == scores['F1.broken'] == 0
    assert scores['mIoU_fg'] == 50
    assert math.isnan(scores['Acc.broken'])
    assert scores['mAcc_fg'] == 100
    assert math.isnan(scores['Found.broken'])
    assert scores['FalseAlarms'] == 1


def test_without_any_defect_the_foreground_means_are_nan_and_the_log_says_so(monkeypatch):
    said = []
    monkeypatch.setattr('mmseg_ext.evaluation.defect_metric.print_log', lambda text, **_: said.append(text))
    scores, _ = scored(sample('0000', '000.'))
    assert math.isnan(scores['mIoU_fg'])
    assert scores['mIoU'] == scores['aAcc'] == 100
    assert len(said) == 2
    assert 'no defect is labelled or predicted in any image' in said[0]
    assert 'FalseAlarms' in said[1]


def test_the_table_is_logged_once_and_without_warning(monkeypatch):
    said = []
    monkeypatch.setattr('mmseg_ext.evaluation.defect_metric.print_log', lambda text, **_: said.append(text))
    scored(*TWO_IMAGES)
    scored(sample('0100', '0000'))
    assert len(said) == 2
    assert all('attached' in text for text in said)


def test_an_image_of_ignored_pixels_counts_nothing():
    scores, built = scored(sample('0012', '....'))
    assert built.confusion.sum() == 0
    assert math.isnan(scores['aAcc'])
    assert scores['FalseAlarms'] == 0


def test_predictions_under_ignored_pixels_are_no_false_alarms():
    # A blob half under ignored pixels counts for its visible half; one wholly under them does not exist.
    scores, built = scored(sample('1100 0000 1022', '.000 0000 .0..'))
    assert scores['FalseAlarms'] == 1
    assert built.per_image[0]['predicted.broken'] == 0


def test_background_inside_a_defect_is_no_false_alarm():
    scores, _ = scored(sample('1111 1001 1111', '1111 1111 1111'))
    assert scores['FalseAlarms'] == 0


def test_a_hit_under_ignored_pixels_is_no_hit():
    scores, _ = scored(sample('0110', '00.1'))
    assert scores['Found.attached'] == 0


def test_an_ignored_class_is_no_component():
    scores, _ = scored(sample('0110 0000 1000', '0110 0002 0000'), ignore_index=1)
    assert math.isnan(scores['Found.attached'])
    assert scores['Found.broken'] == 0
    assert scores['FalseAlarms'] == 1


def test_a_hit_by_another_class_is_not_found_and_a_false_alarm():
    scores, _ = scored(sample('0220', '0110'))
    assert scores['Found.attached'] == 0
    assert scores['FalseAlarms'] == 1


def test_false_alarms_are_a_mean_over_images():
    scores, built = scored(sample('1010 0000 0200', '0000 0000 0000'), sample('0000', '0000'))
    assert scores['FalseAlarms'] == 1.5
    assert [row['FalseAlarms'] for row in built.per_image] == [3, 0]


def test_found_can_ask_for_a_share():
    half = sample('0110', '1111')
    assert scored(half, min_overlap=0.5)[0]['Found.attached'] == 100
    assert scored(half, min_overlap=0.51)[0]['Found.attached'] == 0


def test_components_can_be_left_out():
    scores, built = scored(*TWO_IMAGES, components=False)
    full, _ = scored(*TWO_IMAGES)
    assert scores == {name: full[name] for name in full if not name.startswith(('Found', 'False'))}
    assert not any(name.startswith(('found', 'components', 'False')) for name in built.per_image[0])


def test_through_the_evaluator_as_save_best_sees_it():
    evaluator = Evaluator(METRICS.build({'type': 'DefectMetric'}))
    evaluator.dataset_meta = {'classes': CLASSES}
    data_sample = SegDataSample(metainfo={'img_path': 'x.jpg', 'seg_map_path': 'x.png'})
    data_sample.pred_sem_seg = PixelData(data=pixels('0110'))
    data_sample.gt_sem_seg = PixelData(data=pixels('0111').to(torch.uint8))
    evaluator.process([data_sample])
    scores = evaluator.evaluate(1)
    assert scores['mIoU_fg'] == pytest.approx(200 / 3)
    assert evaluator.metrics[0].per_image[0]['image'] == 'x.jpg'


def test_a_prefix_is_put_before_every_key():
    scores, _ = scored(*TWO_IMAGES, prefix='val')
    assert all(name.startswith('val/') for name in scores)
    assert 'val/mIoU_fg' in scores


def test_evaluations_do_not_add_up():
    built = metric()
    for _ in range(2):
        built.process(None, TWO_IMAGES)
        built.evaluate(2)
    assert built.confusion.sum() == 23
    assert len(built.per_image) == 2


def test_an_error_names_the_mask_file():
    with pytest.raises(DataError, match=r'^masks/bad\.png: mask value 7 on 2 pixels, but .* only 3 classes'):
        metric().process(None, [sample('0000', '0770', 'bad')])


def test_an_error_names_the_image_when_the_mask_has_no_path():
    bad = sample('0000', '0770', 'bad') | {'seg_map_path': None}
    with pytest.raises(DataError, match=r'^images/bad\.jpg: mask value 7'):
        metric().process(None, [bad])


def test_a_prediction_of_another_size_names_the_file():
    with pytest.raises(DataError, match=r'^masks/a\.png: the prediction is \(1, 4\) but the mask is \(2, 4\)'):
        metric().process(None, [sample('0000', '0000 0000')])


def test_a_missing_mask_names_the_image():
    without = {'pred_sem_seg': {'data': pixels('0')}, 'img_path': 'images/a.jpg'}
    with pytest.raises(DataError, match=r'^images/a\.jpg: there is no mask.*LoadAnnotations'):
        metric().process(None, [without])


def test_no_image_at_all_is_an_error():
    with pytest.raises(ValueError, match='no image was scored'):
        metric().evaluate(0)


@pytest.mark.parametrize('min_overlap', [-0.1, 1.5])
def test_min_overlap_is_a_share(min_overlap):
    with pytest.raises(ValueError, match=f'min_overlap is a share of pixels in 0..1, got {min_overlap}'):
        metric(min_overlap=min_overlap)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match='ignor_index'):
        METRICS.build({'type': 'DefectMetric', 'ignor_index': 0})

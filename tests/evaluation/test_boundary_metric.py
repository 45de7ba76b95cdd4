"""BoundaryMetric: its names, what is undefined, and what it says about bad input."""

import math

import pytest
import torch
from mmseg.registry import METRICS

from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.evaluation import BoundaryMetric, format_table

CLASSES = ('background', 'pole', 'sign.a@b')


def image(label: torch.Tensor, pred: torch.Tensor) -> dict:
    return {
        'pred_sem_seg': {'data': pred[None]},
        'gt_sem_seg': {'data': label[None]},
        'img_path': 'a.jpg',
        'seg_map_path': 'a.png',
    }


def square(shift: int, value: int = 1) -> torch.Tensor:
    label = torch.zeros(12, 12, dtype=torch.long)
    label[3:6, 3 + shift : 6 + shift] = value
    return label


def scored(samples: list[dict], classes: tuple = CLASSES, only: list | None = None, **options) -> dict[str, float]:
    metric = METRICS.build(dict(type='BoundaryMetric', classes=only, **options))
    metric.dataset_meta = {'classes': classes}
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_scores_by_hand():
    """The square is one pixel off: 4 of the 8 pixels of its contour coincide, 4 of the 12 around it."""
    scores = scored([image(square(0), square(1)), image(square(0), square(0))], tolerance=0)
    assert scores == pytest.approx(
        {
            'mBF@0px': (75 + 200 / 3) / 2,
            'mBF_fg@0px': 75,
            'BF.background@0px': 200 / 3,
            'BF.pole@0px': 75,
            'BF.sign.a@b@0px': math.nan,
        },
        nan_ok=True,
    )
    assert set(scored([image(square(0), square(1))], tolerance=1.5).values()) >= {100.0}


def test_means_with_and_without_the_background():
    """An invented class counts 0; here the background is met nearly everywhere."""
    pred = square(0)
    pred[9, 9] = 2
    scores = scored([image(square(0), pred)], tolerance=0)
    assert scores['BF.pole@0px'] == 100
    assert scores['BF.sign.a@b@0px'] == 0
    assert scores['BF.background@0px'] == pytest.approx(100 * 2 * 0.75 / 1.75)
    assert scores['mBF@0px'] == pytest.approx((100 + 150 / 1.75) / 3)
    assert scores['mBF_fg@0px'] == 50


def test_only_the_chosen_classes():
    scores = scored([image(square(0), square(1))], tolerance=0, only=['pole'])
    assert scores == {'mBF@0px': 50, 'mBF_fg@0px': 50, 'BF.pole@0px': 50}
    with pytest.raises(UsageError, match=r"no class 'pol' .*background, pole, sign.a@b"):
        scored([image(square(0), square(1))], only=['pol'])


def test_nothing_to_see_is_nan_everywhere():
    empty = torch.zeros(5, 5, dtype=torch.long)
    assert all(map(math.isnan, scored([image(empty, empty)]).values()))


def test_the_mask_of_a_single_logit():
    assert scored([image(square(0), square(0).float())], ('background', 'pole'))['mBF@2px'] == 100


def test_the_table_has_a_column_for_each_tolerance():
    samples = [image(square(0), square(1))]
    text = format_table(scored(samples, tolerance=0) | scored(samples, tolerance=1.5), CLASSES)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows['Class'] == ['BF@0px', 'BF@1.5px']
    assert rows['pole'] == ['50.00', '100.00']
    assert rows['sign.a@b'] == ['–', '–']


def test_bad_input_names_the_file():
    for label, pred, message in (
        (square(0, 7), square(0), 'mask value 7 on 9 pixels'),
        (square(0), square(0, 3), 'prediction value 3'),
        (square(0), square(0)[:5], r'the prediction is \(5, 12\)'),
    ):
        with pytest.raises(DataError, match=rf'a\.png: .*{message}'):
            scored([image(label, pred)])
    with pytest.raises(DataError, match=r'a\.png: there is no mask'):
        scored([{'seg_map_path': 'a.png'}])
    with pytest.raises(DataError, match='no image was scored'):
        BoundaryMetric().compute_metrics([])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(tolerance=-1), 'in pixels, 0 or more, got -1'),
        (dict(tolerance=math.nan), 'got nan'),
        (dict(classes='pole'), "None for all, got 'pole'"),
        (dict(classes=[]), r'got \[\]'),
    ],
)
def test_settings_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=f'BoundaryMetric: .*{message}'):
        BoundaryMetric(**options)

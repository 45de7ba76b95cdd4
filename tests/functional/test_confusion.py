"""Counts against a loop over pixels, scores by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.functional.confusion import FEW_CLASSES, class_scores, confusion_counts

INTEGERS = [torch.uint8, torch.int16, torch.int32, torch.int64]


def counted_by_hand(pred: torch.Tensor, label: torch.Tensor, num_classes: int, ignore_index: int) -> torch.Tensor:
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for row, column in zip(label.flatten().tolist(), pred.flatten().tolist(), strict=True):
        if row != ignore_index:
            counts[row, column] += 1
    return counts


@st.composite
def masks(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, int, int]:
    """Prediction, label, number of classes and ignore_index, which may be one of the classes."""
    num_classes, ignore_index = draw(st.integers(1, 9)), draw(st.sampled_from([0, 1, 17, 200, 255]))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pixels = st.lists(st.integers(0, num_classes - 1), min_size=height * width, max_size=height * width)
    pred, label = (torch.tensor(draw(pixels)).view(height, width) for _ in range(2))
    ignored = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    label[torch.tensor(ignored).view(height, width)] = ignore_index
    # What a network says about ignored pixels may be anything.
    pred[label == ignore_index] = draw(st.sampled_from([0, num_classes, 255]))
    return pred, label, num_classes, ignore_index


@settings(deadline=None, max_examples=150)
@given(masks(), st.sampled_from([torch.uint8, torch.int64]), st.sampled_from(INTEGERS))
def test_equals_a_loop_over_pixels(masks, pred_type, label_type):
    pred, label, num_classes, ignore_index = masks
    counts = confusion_counts(pred.to(pred_type), label.to(label_type), num_classes, ignore_index)
    assert counts.dtype == torch.int64
    assert counts.equal(counted_by_hand(pred, label, num_classes, ignore_index))


@settings(deadline=None, max_examples=50)
@given(masks(), st.randoms(use_true_random=False))
def test_only_pairs_matter_not_where_they_are(masks, random):
    pred, label, *rest = masks
    order = torch.tensor(random.sample(range(pred.numel()), pred.numel()))
    shuffled = confusion_counts(pred.flatten()[order], label.flatten()[order], *rest)
    assert shuffled.equal(confusion_counts(pred, label, *rest))


@settings(deadline=None, max_examples=50)
@given(masks(), st.data())
def test_parts_of_an_image_add_up_to_the_whole(masks, data):
    pred, label, *rest = masks
    cut = data.draw(st.integers(0, pred.shape[0]))
    parts = [confusion_counts(pred[rows], label[rows], *rest) for rows in (slice(cut), slice(cut, None))]
    assert sum(parts).equal(confusion_counts(pred, label, *rest))


@pytest.mark.parametrize('num_classes', [2, FEW_CLASSES, FEW_CLASSES + 1, 150, 300])
@pytest.mark.parametrize('ignore_index', [255, 0, -1, 1000])
def test_any_number_of_classes_and_any_ignore_index(num_classes, ignore_index):
    generator = torch.Generator().manual_seed(num_classes)
    pred, label = torch.randint(num_classes, (2, 40, 50), generator=generator)
    label[:3] = ignore_index
    expected = counted_by_hand(pred, label, num_classes, ignore_index)
    assert confusion_counts(pred, label, num_classes, ignore_index).equal(expected)


def test_rows_are_the_truth_and_columns_the_prediction():
    counts = confusion_counts(torch.tensor([[0, 0, 1]]), torch.tensor([[1, 1, 1]]), 2)
    assert counts.tolist() == [[0, 0], [2, 1]]


def test_views_count_like_copies():
    pred, label = torch.randint(3, (2, 20, 30), generator=torch.Generator().manual_seed(0))
    expected = confusion_counts(pred.T[::2].contiguous(), label.T[::2].contiguous(), 3)
    assert confusion_counts(pred.T[::2], label.T[::2], 3).equal(expected)


@pytest.mark.parametrize('dtype', INTEGERS)
@pytest.mark.parametrize('num_classes', [3, 8])
def test_a_label_outside_the_classes_is_an_error(dtype, num_classes):
    label = torch.zeros(4, 4, dtype=dtype)
    label[0, :2], label[1, 1] = 255, 100
    with pytest.raises(
        ValueError, match=rf'mask value 100 on 1 pixels, but there are only {num_classes} classes .*0/255'
    ):
        confusion_counts(torch.zeros(4, 4, dtype=torch.int64), label, num_classes)


@pytest.mark.parametrize('value', [-1, 3, 256, 259, 511, -253, 2**40])
@pytest.mark.parametrize('ignore_index', [255, 0])
def test_no_label_wraps_around_into_a_class(value, ignore_index):
    label = torch.ones(5, 5, dtype=torch.int64)
    label[2, 2] = value
    with pytest.raises(ValueError, match=f'mask value {value} on 1 pixels, but there are only 3 classes'):
        confusion_counts(torch.ones(5, 5, dtype=torch.int64), label, 3, ignore_index)


def test_255_is_an_error_when_another_value_is_ignored():
    label = torch.tensor([[0, 1, 255, 255]])
    with pytest.raises(ValueError, match='mask value 255 on 2 pixels'):
        confusion_counts(torch.ones_like(label), label, 3, ignore_index=0)


@pytest.mark.parametrize('value', [3, 256, -1])
def test_a_prediction_outside_the_classes_is_an_error(value):
    pred = torch.tensor([[0, 1, value, 2]])
    with pytest.raises(ValueError, match=rf'prediction value {value} on 1 pixels.*num_classes'):
        confusion_counts(pred, torch.zeros_like(pred), 3)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r'prediction is \(4, 5\) but the mask is \(5, 4\)'):
        confusion_counts(torch.zeros(4, 5), torch.zeros(5, 4), 3)


def test_scores_by_hand():
    scores = class_scores(torch.tensor([[6, 1, 0], [2, 3, 0], [0, 1, 0]]))
    assert scores['IoU'].tolist() == pytest.approx([6 / 9, 3 / 7, 0])
    assert scores['Acc'].tolist() == pytest.approx([6 / 7, 3 / 5, 0])
    assert scores['F1'].tolist() == pytest.approx([12 / 15, 6 / 10, 0])


def test_an_absent_class_is_nan_and_a_hallucinated_one_0():
    scores = class_scores(torch.tensor([[6, 0, 2], [0, 0, 0], [0, 0, 0]]))
    assert [scores[name][1].isnan().item() for name in scores] == [True, True, True]
    assert scores['IoU'][2] == scores['F1'][2] == 0
    assert scores['Acc'][2].isnan()


def test_counts_of_a_large_data_set_stay_exact():
    scores = class_scores(torch.tensor([[2**40, 0], [1, 2**24 + 1]]))
    assert scores['IoU'][1].item() == (2**24 + 1) / (2**24 + 2)

"""What an edit does to its label, on photographs whose every pixel is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.config.settings import LabelSettings
from augment.errors import DataError
from augment.labels.policies import relabel, visibly_changed
from augment.labels.proposal import contrast, parts

GREY, RED, BROWN, OTHER_GREY = (120, 120, 120), (200, 40, 40), (120, 70, 30), (126, 126, 126)
COPY, RING, PROPOSE = (LabelSettings(mode) for mode in ('copy', 'ignore-ring', 'propose'))


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey, 40 x 60, with two red squares of class 1 and 2, their label, and the region of a halo of 8 pixels."""
    image, label, region = (
        np.full((40, 60, 3), GREY, np.uint8),
        np.zeros((40, 60), np.uint8),
        np.zeros((40, 60), bool),
    )
    for value, left in ((1, 10), (2, 40)):
        image[15:21, left : left + 6] = RED
        label[15:21, left : left + 6] = value
        region[7:29, left - 8 : left + 14] = True
    return image, label, region


def test_copy_changes_nothing_and_still_tells_where_the_photograph_changed():
    image, label, region = scene()
    after = image.copy()
    after[0, 0] = after[10, 10] = RED  # outside of the region, and inside
    done = relabel(image, after, label, region, COPY)
    np.testing.assert_array_equal(done.label, label)
    assert done.label is not label
    assert np.argwhere(done.changed).tolist() == [[10, 10]]
    assert (done.needs_review, done.notes) == (False, ())


def test_what_can_hardly_be_seen_is_no_change():
    image, _, region = scene()
    assert not visibly_changed(image, np.full_like(image, OTHER_GREY), np.ones((40, 60), bool), 100).any()
    after = np.where(image == GREY, np.uint8(126), image)  # two steps of L
    assert not visibly_changed(image, after, region, 10).any()
    assert (visibly_changed(image, after, region, 1) == region & (image == GREY).all(-1)).all()


def test_ignore_ring_takes_only_changed_background_out_of_the_score():
    image, label, region = scene()
    label[12, 12] = 255
    after = image.copy()
    after[10:18, 8:14] = BROWN
    done = relabel(image, after, label, region, RING)
    expected = label.copy()
    expected[10:18, 8:14] = np.where(label[10:18, 8:14] == 0, 255, label[10:18, 8:14])
    np.testing.assert_array_equal(done.label, expected)
    assert not done.needs_review
    assert done.notes == ('not scored: 35 pixels gained, 0 lost',)  # 48, of which 12 are defect and 1 was 255


def test_proposal_follows_a_defect_that_grew():
    image, label, region = scene()
    after = image.copy()
    after[15:21, 16:20] = BROWN  # beside the square of class 1
    after[21:24, 40:43] = BROWN  # below that of class 2
    done = relabel(image, after, label, region, PROPOSE)
    expected = label.copy()
    expected[15:21, 16:20] = 1
    expected[21:24, 40:43] = 2
    np.testing.assert_array_equal(done.label, expected)
    assert done.needs_review
    assert done.notes == ('class 1: 24 pixels gained, 0 lost', 'class 2: 9 pixels gained, 0 lost')


def test_proposal_drops_a_defect_that_became_background():
    image, label, region = scene()
    after = image.copy()
    after[15:21, 10:16] = OTHER_GREY
    after[15:21, 40:43] = GREY  # half of the other
    done = relabel(image, after, label, region, PROPOSE)
    expected = np.where(label == 1, 0, label)
    expected[15:21, 40:43] = 0
    np.testing.assert_array_equal(done.label, expected)
    assert done.notes == (
        'class 1: 0 pixels gained, 36 lost, nothing left of it',
        'class 2: 0 pixels gained, 18 lost',
    )


def test_proposal_follows_a_defect_that_moved():
    image, label, region = scene()
    after = image.copy()
    after[15:21, 10:16] = GREY
    after[18:24, 13:19] = RED
    done = relabel(image, after, label, region, PROPOSE)
    expected = np.where(label == 1, 0, label)
    expected[18:24, 13:19] = 1
    np.testing.assert_array_equal(done.label, expected)


def test_a_defect_that_only_looks_different_keeps_its_label():
    image, label, region = scene()
    after = np.where((label > 0)[..., None], np.uint8(BROWN), image)
    done = relabel(image, after, label, region, PROPOSE)
    np.testing.assert_array_equal(done.label, label)
    assert done.changed.sum() == 72
    assert not done.needs_review


def test_a_background_that_changed_as_a_whole_is_still_background():
    image, label, region = scene()
    after = np.where((region & (label == 0))[..., None], np.uint8((160, 165, 150)), image)
    done = relabel(image, after, label, region, PROPOSE)
    assert done.changed.sum() == (region & (label == 0)).sum()
    np.testing.assert_array_equal(done.label, label)


def test_a_stain_that_pales_is_no_defect():
    image, label, region = scene()
    image[15:21, 16:20] = (20, 20, 20)  # was beside the defect, not labelled
    after = image.copy()
    after[15:21, 16:20] = (70, 70, 70)
    done = relabel(image, after, label, region, PROPOSE)
    assert done.changed.sum() == 24
    np.testing.assert_array_equal(done.label, label)


def test_background_that_moves_from_one_side_of_its_colour_to_the_other_stays_background():
    image, label, region = scene()
    image[15:21, 16:20] = (105, 105, 105)
    after = image.copy()
    after[15:21, 16:20] = (137, 137, 137)
    done = relabel(image, after, label, region, PROPOSE)
    assert done.changed.sum() == 24
    np.testing.assert_array_equal(done.label, label)


@pytest.mark.parametrize(
    ('rows', 'columns', 'why'),
    [
        (slice(25, 29), slice(20, 24), 'away from any defect'),
        (slice(21, 23), slice(10, 14), 'eight pixels, one too few'),
        (slice(29, 35), slice(10, 16), 'outside of the region'),
    ],
)
def test_what_no_proposal_is_made_of(rows, columns, why):
    image, label, region = scene()
    after = image.copy()
    after[rows, columns] = BROWN
    np.testing.assert_array_equal(relabel(image, after, label, region, PROPOSE).label, label, err_msg=why)


def test_smallest_is_the_first_that_counts():
    image, label, region = scene()
    after = image.copy()
    after[21:24, 10:13] = BROWN
    assert (relabel(image, after, label, region, PROPOSE).label == 1).sum() == 36 + 9
    assert (relabel(image, after, label, region, LabelSettings('propose', smallest=10)).label == 1).sum() == 36


def test_proposal_leaves_255_and_needs_background_to_judge_by():
    image, label, region = scene()
    label[21:24, 10:16] = 255
    after = image.copy()
    after[21:24, 10:16] = BROWN
    np.testing.assert_array_equal(relabel(image, after, label, region, PROPOSE).label, label)
    everything = np.ones_like(label)
    after = np.full_like(image, BROWN)
    np.testing.assert_array_equal(relabel(image, after, everything, region, PROPOSE).label, everything)


def test_what_is_not_scored_is_no_defect_to_lose_or_to_grow():
    image, label, region = scene()
    label[label == 1] = 255
    after = image.copy()
    after[15:21, 10:16] = GREY
    after[15:21, 16:20] = BROWN
    np.testing.assert_array_equal(relabel(image, after, label, region, PROPOSE).label, label)


def test_no_defect_no_proposal():
    image, _, region = scene()
    blank = np.zeros((40, 60), np.uint8)
    after = np.where(region[..., None], np.uint8(BROWN), image)
    done = relabel(image, after, blank, region, PROPOSE)
    assert not done.label.any()
    assert not done.needs_review


def test_contrast_is_judged_part_by_part():
    # Two regions on grounds of their own: against a common background one of them would stand out.
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 15:] = 250
    image[5, 5] = image[5, 25] = RED
    region = np.ones((10, 30), bool)
    region[:, 13:17] = False
    found = contrast(image, np.ones((10, 30), bool), region)
    assert np.argwhere(found > 0).tolist() == [[5, 5], [5, 25]]


def test_parts_that_meet_at_a_corner_are_one():
    mask = np.eye(5, dtype=bool)
    assert parts(mask, 5).sum() == 5
    assert not parts(mask, 6).any()
    beside = np.zeros((5, 5), bool)
    beside[0, 2] = True
    assert parts(mask, 1, touching=beside).sum() == 5
    assert not parts(mask, 1, touching=np.zeros((5, 5), bool)).any()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([COPY, RING, PROPOSE]))
def test_any_edit(seed, policy):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 40, 2))
    label = rng.choice(np.array([0, 0, 0, 3, 7, 255], np.uint8), shape)
    before, after = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    region = rng.random(shape) < 0.7
    kept = label.copy()
    done = relabel(before, after, label, region, policy)
    np.testing.assert_array_equal(label, kept, err_msg='the argument')
    assert done.label.dtype == np.uint8
    assert set(np.unique(done.label)) <= {*np.unique(label).tolist(), 0, 255}
    assert (done.label[label == 255] == 255).all()
    assert not ((done.label != label) & ~done.changed).any()
    assert not (done.changed & ~region).any()
    assert done.needs_review == (policy is PROPOSE and (done.label != label).any())
    assert bool(done.notes) == bool((done.label != label).any())


def test_sizes_must_agree():
    image, label, region = scene()
    with pytest.raises(DataError, match='label 59 x 40'):
        relabel(image, image, label[:, 1:], region, COPY)

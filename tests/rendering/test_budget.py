"""The plan alone: shares and presence at full size, without drawing anything."""

import numpy as np
import pytest

from mmseg_ext.rendering.budget import ATTACHED, BROKEN, PIXELS, divide, plan_split

KINDS = (ATTACHED, BROKEN)


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(('split', 'count'), [(0, 120), (1, 40), (2, 40), (0, 7), (0, 1000)])
def test_the_shares_are_met_in_every_split(seed, split, count):
    shares = plan_split(seed, split, count).sum(0) / (count * PIXELS)
    assert shares == pytest.approx([0.0020, 0.0003], rel=0.01)


@pytest.mark.parametrize('seed', range(5))
def test_many_pictures_lack_a_class_and_some_lack_both(seed):
    shown = plan_split(seed, 0, 120) > 0
    assert shown.sum(0).tolist() == [84, 36]
    kinds = {(bool(a), bool(b)) for a, b in shown}
    assert kinds == {(False, False), (True, False), (False, True), (True, True)}


def test_areas_stay_within_their_limits_and_vary():
    plan = plan_split(0, 0, 120)
    for areas, kind in zip(plan.T, KINDS, strict=True):
        areas = areas[areas > 0]
        assert kind.least <= areas.min() <= 0.7 * areas.mean()
        assert 1.5 * areas.mean() <= areas.max() <= kind.most


def test_the_plan_depends_on_seed_and_split():
    plans = [plan_split(*key, 40).tolist() for key in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert plans[0] == plans[3]
    assert plans[0] != plans[1] != plans[2] != plans[0]


def test_no_picture_no_pixels():
    assert plan_split(0, 0, 0).shape == (0, 2)


def test_one_picture_holds_the_whole_share():
    assert plan_split(0, 0, 1).tolist() == [[524, 79]]


@pytest.mark.parametrize(('total', 'expected'), [(30, [10, 10, 10]), (43, [10, 11, 22]), (90, [30, 30, 30])])
def test_divide_follows_weights_between_the_limits(total, expected):
    assert divide(total, np.array([0.5, 1.0, 2.0]), 10, 30).tolist() == expected

"""Relative-position tables of another size keep their centre and stretch their far field."""

import numpy as np
import pytest

from mmseg_ext.functional.relative_position import offset_nodes, resize_bias_table


@pytest.mark.parametrize(('known', 'reach'), [(13, 31), (13, 15), (13, 13), (3, 40)])
def test_nodes_are_symmetric_and_end_at_the_border(known, reach):
    nodes = offset_nodes(known, reach)
    assert len(nodes) == 2 * known + 1
    assert nodes == pytest.approx(-nodes[::-1])
    assert nodes[known + 1] == pytest.approx(1)
    assert nodes[-1] == pytest.approx(reach)
    ratios = np.diff(nodes)[known + 1 :] / np.diff(nodes)[known:-1]
    assert ratios == pytest.approx(np.full(known - 1, ratios[0]))


def test_a_smaller_table_is_the_centre_of_the_larger():
    table = np.random.default_rng(0).normal(size=(27, 27, 2))
    assert offset_nodes(13, 7) == pytest.approx(np.arange(-13.0, 14.0))
    assert resize_bias_table(table, (15, 7)) == pytest.approx(table[6:21, 10:17])


def test_the_same_size_changes_nothing():
    table = np.random.default_rng(0).normal(size=(27, 27, 3))
    assert resize_bias_table(table, (27, 27)) == pytest.approx(table)


def test_a_bias_that_falls_with_distance_still_does():
    # Biases that are a cubic of the offsets' true positions are read off exactly, at every whole offset.
    down, right = offset_nodes(13, 31), offset_nodes(13, 20)
    table = (down[:, None] ** 3 - 5 * right[None] ** 2 + 2 * down[:, None] * right[None])[..., None]
    y, x = np.mgrid[-31:32, -20:21]
    assert resize_bias_table(table, (63, 41))[..., 0] == pytest.approx(y**3 - 5 * x**2 + 2 * y * x, abs=1e-6)


def test_heads_are_resized_apart_and_rows_are_not_columns():
    table = np.zeros((7, 7, 2))
    table[4, 3, 1] = 1.0  # one step down
    resized = resize_bias_table(table, (9, 11))
    assert not resized[..., 0].any()
    assert resized[5, 5, 1] == pytest.approx(1)
    assert resized[4, 6, 1] == pytest.approx(0, abs=1e-12)

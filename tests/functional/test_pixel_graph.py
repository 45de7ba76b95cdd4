"""Steps, corners and spurs of lines drawn by hand."""

import numpy as np
import pytest

from mmseg_ext.functional.pixel_graph import build_graph, prune_spurs, smooth_places, step_lengths


def drawn(text: str) -> np.ndarray:
    """The places of the set pixels, row by row."""
    return np.argwhere([[pixel == '#' for pixel in row] for row in text.split()]).reshape(-1, 2)


@pytest.mark.parametrize(
    ('text', 'length', 'degrees'),
    [
        ('....', 0, []),
        ('#...', 0, [0]),
        ('####', 3, [1, 2, 2, 1]),
        ('#.. .#. ..#', 2 * 2**0.5, [1, 2, 1]),
        ('..# .#. #..', 2 * 2**0.5, [1, 2, 1]),
        ('#. ##', 2, [1, 2, 1]),  # the corner is walked round, not cut as well
        ('.# ##', 2, [1, 1, 2]),
        ('## #.', 2, [2, 1, 1]),
        ('## .#', 2, [1, 2, 1]),
        ('.#. ### .#.', 4, [1, 1, 4, 1, 1]),
        ('#.# .#. #.#', 4 * 2**0.5, [1, 1, 4, 1, 1]),
        ('.#. #.# .#.', 4 * 2**0.5, [2, 2, 2, 2]),
        ('#..# #..#', 2, [1, 1, 1, 1]),  # the end of a row does not touch the beginning of the next
        ('..# #..', 0, [0, 0]),
    ],
)
def test_links_by_hand(text, length, degrees):
    graph = build_graph(drawn(text))
    assert graph.degree.tolist() == degrees
    assert step_lengths(graph, graph.pixels).sum() == pytest.approx(length)


def test_stairs_become_straight_and_straight_lines_stay():
    stairs = build_graph(drawn('##...... .##..... ...##... .....##. .......#'))
    lengths = [step_lengths(stairs, smooth_places(stairs, rounds)).sum() for rounds in (0, 2, 50)]
    true = np.hypot(4, 7)
    assert lengths[0] > lengths[1] > lengths[2] > true
    assert lengths[1:] == pytest.approx([true, true], rel=0.05)
    for text in ('#####', '#.... .#... ..#.. ...#. ....#', '# # # #'):
        straight = build_graph(drawn(text))
        np.testing.assert_allclose(smooth_places(straight, 9), straight.pixels)


def test_no_pixel_is_smoothed_out_of_its_square():
    ring = build_graph(drawn('.#. #.# .#.'))
    np.testing.assert_allclose(smooth_places(ring, 50), [[0.5, 1], [1, 0.5], [1, 1.5], [1.5, 1]])


def test_one_round_of_smoothing_by_hand():
    graph = build_graph(drawn('#.# .#.'))
    np.testing.assert_allclose(smooth_places(graph, 1), [[0, 0], [0, 2], [0.5, 1]])


LINE = 41 * '#'
ABOVE = 20 * '.' + '#' + 20 * '.'  # the middle of the line


@pytest.mark.parametrize(
    ('half_width', 'kept'),
    [(0.5, 46), (2.4, 46), (2.6, 41), (4.0, 41)],  # from the junction to the tip: 5 steps and the half width
)
def test_a_branch_shorter_than_the_crack_is_wide_is_a_spur(half_width, kept):
    pixels = drawn(' '.join([*5 * [ABOVE], LINE]))
    graph, half = prune_spurs(pixels, np.full(len(pixels), half_width))
    assert len(graph.pixels) == len(half) == kept
    assert (graph.degree > 2).any() == (kept == 46)


def test_the_limit_of_a_spur_is_three_half_widths_of_the_junction():
    pixels = drawn(f'{ABOVE} {LINE}')
    for tip, kept in ((0.49, 41), (0.5, 42)):
        half_width = np.full(len(pixels), 0.5)
        half_width[0] = tip
        assert len(prune_spurs(pixels, half_width)[0].pixels) == kept


@pytest.mark.parametrize(
    ('half_width', 'kept'),
    [
        (5.5, 19),  # 13.5, 15.5, 11.5 are all spurs of 16.5, and none is below 11: the two longest stay
        (12.0, 1),  # 20, 22 and 18 are below 24: a spot
    ],
)
def test_where_all_branches_are_spurs_the_two_longest_stay(half_width, kept):
    pixels = drawn(' '.join([*6 * ['........#..........'], 19 * '#']))
    graph, _ = prune_spurs(pixels, np.full(len(pixels), half_width))
    assert len(graph.pixels) == kept
    assert set(graph.pixels[:, 0]) == {6}


def test_a_fork_at_the_end_of_a_line_goes_as_a_whole():
    fork = [('.' * k + '#').ljust(46, '.') for k in range(5)]
    pixels = drawn(' '.join([*fork, 5 * '.' + LINE, *fork[::-1]]))
    graph, _ = prune_spurs(pixels, np.full(len(pixels), 4.5))  # 5 √2 + 4.5 lies between 9 and 13.5
    assert graph.pixels.tolist() == [[5, 5 + column] for column in range(41)]


def test_spurs_of_spurs_go_and_what_is_left_keeps_its_half_width():
    pixels = drawn(f'{20 * "."}#.#{18 * "."} .{ABOVE[:-1]} .{ABOVE[:-1]} {LINE}')
    half_width = np.where(pixels[:, 0] < 3, 0.9, 2.0) + pixels[:, 1] / 1000
    graph, half = prune_spurs(pixels, half_width)
    assert graph.pixels.tolist() == [[3, column] for column in range(41)]
    np.testing.assert_allclose(half, 2.0 + np.arange(41) / 1000)


def test_a_line_without_junction_a_ring_and_a_bridge_are_no_spurs():
    for text in ('##', '.#. #.# .#.', '.#..... #.####. .#....#'):
        pixels = drawn(text)
        assert len(prune_spurs(pixels, np.full(len(pixels), 9.0))[0].pixels) >= min(len(pixels), 4)

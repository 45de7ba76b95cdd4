"""When an edit reads its source, and what it says when it is driven wrongly."""

import pytest

from augment.attention.control import EditControl, self_limit
from augment.attention.rows import Pair, Rows
from augment.attention.word_maps import WordMaps
from augment.config.settings import ControlSettings


def control(alignment, word_maps=None, **settings):
    return EditControl([[alignment()]], ControlSettings(**settings), 50, (16, 16), word_maps)


@pytest.mark.parametrize(('cross', 'own', 'last'), [(0.4, 0.3, 19), (0.1, 0.3, 14), (0, 0, -1), (1, 0, 49)])
def test_the_source_is_needed_while_a_window_is_open(alignment, cross, own, last):
    made = control(alignment, cross_window=cross, self_window=own)

    assert [i for i in range(50) if made.needs_source(i)] == list(range(last + 1))


def test_factors_beyond_the_window_need_no_source(alignment):
    assert not control(alignment, equalizer_window='all').needs_source(20)


def test_word_maps_need_the_source_if_they_look_at_it(alignment):
    assert control(alignment, WordMaps([[((4,), (6,))]], (16, 16))).needs_source(49)
    assert not control(alignment, WordMaps([[((), (6,))]], (16, 16))).needs_source(49)


@pytest.mark.parametrize(
    ('limit', 'size', 'tokens'),
    [('auto', (128, 128), 1024), ('auto', (64, 64), 256), ('auto', (16, 24), 24), (100, (8, 8), 100)],
)
def test_the_limit_follows_the_latents(limit, size, tokens):
    assert self_limit(ControlSettings(self_limit=limit), size) == tokens


def test_no_limit():
    assert self_limit(ControlSettings(self_limit='all'), (8, 8)) == float('inf')


def test_pairs_are_the_targets_in_the_call():
    rows = Rows([0, None], [[None, 2], [3, 1]])

    assert rows.pairs() == [Pair(0, 1, 0, 2), Pair(1, 0, None, 3), Pair(1, 1, None, 1)]


def test_a_window_without_its_source_is_refused(alignment):
    import torch

    made = control(alignment)
    made.step, made.rows = 3, Rows([None], [[1]])
    with pytest.raises(ValueError, match=r'step 3 of an edit reads source rows, but rows.source is \[None\]'):
        made.takeover(torch.zeros(1))


def test_new_rows_are_noticed_and_tensors_kept_for_equal_ones(alignment):
    import torch

    made, like = control(alignment), torch.zeros(1)
    made.rows = Rows([2], [[3]])
    first = made.takeover(like)
    made.rows = Rows([2], [[3]])
    assert made.takeover(like) is first
    made.rows = Rows([0], [[1]])
    assert made.takeover(like).targets.tolist() == [1]
    assert made.takeover(like).sources.tolist() == [0]
    assert made.takeover(like.bfloat16()).own.dtype == torch.bfloat16

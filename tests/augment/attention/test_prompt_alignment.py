"""Alignment of prompts: worked out by hand, and against a search through all alignments."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augment.attention.align import (
    align,
    equalizer,
    refine_mapper,
    replace_matrix,
    windows,
    word_tokens,
)
from augment.config.settings import ControlSettings
from augment.errors import UsageError
from augment.sdxl.tokens import TokenTable

IDS = st.lists(st.integers(0, 3), max_size=6)


def best_alignment(source, target):
    """Of all longest ways to pair equal tokens in order the one that, read from its end, pairs the earliest target
    token and then the earliest source token: gaps are as late as they can be."""
    count = min(len(source), len(target))
    for length in range(count, -1, -1):
        found = [
            list(zip(columns, rows, strict=True))
            for rows in combinations(range(len(source)), length)
            for columns in combinations(range(len(target)), length)
            if [source[row] for row in rows] == [target[column] for column in columns]
        ]
        if found:
            return dict(min(found, key=lambda pairs: pairs[::-1]))
    raise AssertionError('the empty alignment is always there')


@given(IDS, IDS)
def test_refine_mapper_is_the_best_of_all_alignments(source, target):
    pairs = best_alignment(source, target)

    assert refine_mapper(source, target)[: len(target)] == [pairs.get(column, -1) for column in range(len(target))]


@given(st.lists(st.integers(0, 9), max_size=77), st.lists(st.integers(0, 9), max_size=77))
def test_matched_tokens_are_equal_and_in_order(source, target):
    mapper = refine_mapper(source, target)

    matched = [(column, row) for column, row in enumerate(mapper[: len(target)]) if row >= 0]
    assert all(source[row] == target[column] for column, row in matched)
    assert [row for _, row in matched] == sorted({row for _, row in matched})
    assert mapper[len(target) :] == list(range(len(target), 77))


@given(st.lists(st.integers(0, 9), max_size=77))
def test_equal_prompts_map_to_themselves(ids):
    assert refine_mapper(ids, ids) == list(range(77))


@given(st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(10, 19), max_size=30), st.data())
def test_inserted_tokens_are_new_and_the_others_keep_their_source(source, inserted, data):
    at = data.draw(st.integers(0, len(source)))

    mapper = refine_mapper(source, source[:at] + inserted + source[at:])

    expected = [*range(at), *[-1] * len(inserted), *range(at, len(source))]
    assert mapper[: len(source) + len(inserted)] == expected


def test_mapper_of_the_default_prompts(table):
    mapper = refine_mapper(table('photo of a crack').ids, table('photo of a crack with peeling').ids)

    assert mapper == [0, 1, 2, 3, 4, -1, -1, 5, *range(8, 77)]


def test_ties_leave_later_target_tokens_new():
    assert refine_mapper([1], [1, 1])[:2] == [0, -1]


def test_ties_leave_later_source_tokens_unused():
    assert refine_mapper([1, 1], [1])[0] == 0


def test_both_tokenizers_give_one_alignment(pipe):
    texts = 'photo of a crack', 'photo of a crack with blistering'
    first, second = (align(tokenizer, *texts, 'refine', {}) for tokenizer in (pipe.tokenizer, pipe.tokenizer_2))

    assert pipe.tokenizer.pad_token != pipe.tokenizer_2.pad_token
    assert torch.equal(first.projection, second.projection)
    assert torch.equal(first.mix, second.mix)


def test_refine_tensors_of_the_default_prompts(alignment):
    made = alignment(equalize={'peeling': 2})

    expected = torch.zeros(77, 77)
    for column, row in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (7, 5), *((k, k) for k in range(8, 77))]:
        expected[row, column] = 1
    assert torch.equal(made.projection, expected)
    assert made.mix.tolist() == [1, 1, 1, 1, 1, 0, 0, *[1] * 70]
    assert made.equalizer.tolist() == [1, 1, 1, 1, 1, 1, 2, *[1] * 70]


def cut(prompt):
    """The table of a tokenizer that makes two tokens of 'blistering' and one of every other word."""
    words = [k for k, word in enumerate(prompt.split()) for _ in range(1 + (word == 'blistering'))]
    return TokenTable(prompt, tuple(range(len(words) + 2)), ('',) * (len(words) + 2), (None, *words, None))


def matrix(entries, start):
    """(77, 77) with ``entries`` {(row, column): value}, identity from ``start`` on."""
    made = torch.zeros(77, 77)
    for place, value in entries.items():
        made[place] = value
    made[range(start, 77), range(start, 77)] = 1
    return made


def test_replace_one_token_by_one():
    made = replace_matrix(cut('photo of a crack'), cut('photo of a dent'))

    assert torch.equal(made, torch.eye(77))


def test_replace_one_token_by_two():
    made = replace_matrix(cut('a crack on steel'), cut('a blistering on steel'))

    kept = {(0, 0): 1, (1, 1): 1, (3, 4): 1, (4, 5): 1, (5, 6): 1}
    assert torch.equal(made, matrix({**kept, (2, 2): 0.5, (2, 3): 0.5}, 7))


def test_replace_two_tokens_by_one():
    made = replace_matrix(cut('a blistering on steel'), cut('a crack on steel'))

    kept = {(0, 0): 1, (1, 1): 1, (4, 3): 1, (5, 4): 1, (6, 5): 1}
    assert torch.equal(made, matrix({**kept, (2, 2): 1, (3, 2): 1}, 6))


def test_replace_two_words_at_once():
    made = replace_matrix(cut('a crack on steel'), cut('a blistering on blistering'))

    kept = {(0, 0): 1, (1, 1): 1, (3, 4): 1, (5, 7): 1}
    assert torch.equal(made, matrix({**kept, (2, 2): 0.5, (2, 3): 0.5, (4, 5): 0.5, (4, 6): 0.5}, 8))


def test_replace_takes_its_mode_from_align(alignment):
    made = alignment('photo of a dent', mode='replace', equalize={'dent': 3})

    assert torch.equal(made.projection, torch.eye(77))
    assert made.mix.tolist() == [1] * 77
    assert made.equalizer[4] == 3


def test_replace_needs_equally_many_words(alignment):
    with pytest.raises(UsageError, match=r"'photo of a crack' has 4 words and .* has 6: use 'refine'"):
        alignment(mode='replace')


def test_equalizer_weighs_every_token_of_a_word():
    factors = equalizer(cut('blistering on a crack'), {'blistering': 2, 'crack': 0.5})

    assert factors.tolist() == [1, 2, 2, 1, 1, 0.5, *[1] * 71]


def test_words_are_found_with_their_punctuation_hyphens_and_in_capitals(table):
    prompt = table('Crack, deep-rust on a crack')

    assert word_tokens(prompt, 'crack') == [1, 2, len(prompt) - 2]
    assert word_tokens(prompt, 'deep-rust') == [3, 4, 5]


def test_several_words_in_a_row_are_one(table):
    assert word_tokens(table('rust with white rust on white'), 'white rust') == [3, 4]


@pytest.mark.parametrize('word', ['rust', 'crac', 'crack peeling', ''])
def test_a_word_that_the_prompt_lacks_is_refused(table, word):
    with pytest.raises(UsageError, match=r"'photo of a crack' does not say .* its words are photo, of, a, crack"):
        equalizer(table('photo of a crack'), {word: 2})


@pytest.mark.parametrize(
    ('cross', 'own', 'steps', 'expected'),
    [
        (0.4, 0.3, 50, (20, 15)),
        (0.8, 0.6, 50, (40, 30)),
        (0, 0, 50, (0, 0)),
        (1, 1, 10, (11, 10)),
        (0.4, 0.29, 100, (40, 29)),
    ],
)
def test_windows(cross, own, steps, expected):
    assert windows(ControlSettings(cross_window=cross, self_window=own), steps) == expected

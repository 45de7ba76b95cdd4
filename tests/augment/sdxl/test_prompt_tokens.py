"""Token tables, the limits of a prompt, and the tiny vocabulary."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from augment.errors import UsageError
from augment.sdxl import tiny
from augment.sdxl.tokens import tokens

FIRST, SECOND = tiny.tokenizers()


def test_each_word_of_the_default_prompts_is_one_token():
    table = tokens(FIRST, 'photo of a crack with peeling')
    words = [f'{word}</w>' for word in ('photo', 'of', 'a', 'crack', 'with', 'peeling')]
    assert table.pieces == (tiny.BEGIN, *words, tiny.END)
    assert table.words == (None, 0, 1, 2, 3, 4, 5, None)
    assert len(table) == 8


def test_hyphens_commas_and_pieces_stay_with_their_word():
    table = tokens(FIRST, 'a  rust-red crack, blistering')
    words = [''.join(table.pieces[k] for k in range(len(table)) if table.words[k] == word) for word in range(4)]
    assert words == ['a</w>', 'rust</w>-</w>red</w>', 'crack</w>,</w>', 'blistering</w>']
    assert sum(word == 3 for word in table.words) > 1, 'a long word is several tokens'
    assert table.spelled == ['a', 'rust-red', 'crack,', 'blistering']


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(['crack', 'Rust', 'x-ray', 'çà', 'a,b', '5mm', '(dent)', '日本']), max_size=6))
def test_every_token_belongs_to_a_word_in_order(words):
    table = tokens(FIRST, ' '.join(words))
    inner = table.words[1:-1]
    assert list(inner) == sorted(inner)
    assert set(inner) == set(range(len(words)))
    assert table.words[0] is table.words[-1] is None


def test_both_tokenizers_differ_in_padding_alone():
    prompt = 'photo of a crack with peeling'
    assert tokens(FIRST, prompt) == tokens(SECOND, prompt)
    padded = [tokenizer(prompt, padding='max_length')['input_ids'] for tokenizer in (FIRST, SECOND)]
    assert [len(ids) for ids in padded] == [77, 77]
    assert padded[0][:8] == padded[1][:8]
    assert set(padded[0][8:]) == {FIRST.eos_token_id}
    assert set(padded[1][8:]) == {SECOND.convert_tokens_to_ids('!')} == {0}


def test_a_prompt_that_would_be_cut_off_is_refused():
    tokens(FIRST, ' '.join(['rust'] * 75))
    with pytest.raises(UsageError, match='is 78 tokens long, the model reads 77: shorten it'):
        tokens(FIRST, ' '.join(['rust'] * 76))


def test_an_empty_tokenizer_is_refused(tmp_path):
    vocab, merges = tmp_path / 'vocab.json', tmp_path / 'merges.txt'
    vocab.write_text('{}')
    merges.write_text('#version: 0.2\n')
    empty = CLIPTokenizer(vocab_file=str(vocab), merges_file=str(merges))  # names that transformers 4 took
    with pytest.raises(UsageError, match=r'knows \d tokens only'):
        tokens(empty, 'photo of a crack')


def test_every_word_of_the_vocabulary_is_one_token():
    for word in tiny.WORDS:
        assert len(tokens(FIRST, word)) == 3, word


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text('abc', min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
def test_later_words_leave_earlier_ones_whole(words):
    vocab, merges = tiny.vocabulary(words)
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges)
    for word in words:
        assert tokenizer.tokenize(word) == [f'{word}</w>']

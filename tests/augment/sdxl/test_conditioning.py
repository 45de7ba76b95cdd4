"""Prompts to numbers: what the pipeline's own encoding gives, and the empty prompt."""

from types import SimpleNamespace

import pytest
import torch
from transformers import CLIPTokenizer

from augment.errors import UsageError
from augment.sdxl.conditioning import Conditioning, encode, zeros_like
from augment.sdxl.tiny import END, tiny_sdxl, vocabulary

SOURCE, TARGET = 'photo of a crack', 'photo of a crack with peeling'


def same(one, other):
    return torch.equal(one.seq, other.seq) and torch.equal(one.pooled, other.pooled)


def test_shapes_and_precision(pipe):
    cond = encode(pipe, [SOURCE, TARGET, ''])
    assert len(cond) == 3
    assert cond.seq.shape == (3, 77, 24 + 40)
    assert cond.pooled.shape == (3, 32)
    assert cond.seq.dtype == cond.pooled.dtype == torch.float32
    assert not cond.seq.requires_grad


def test_penultimate_layers_of_both_encoders_side_by_side(pipe):
    """By hand, from the encoders themselves."""
    parts = []
    for tokenizer, encoder in ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)):
        ids = torch.tensor([tokenizer(TARGET, padding='max_length')['input_ids']])
        with torch.no_grad():
            out = encoder(ids, output_hidden_states=True)
        assert len(out.hidden_states) == 4
        parts.append(out.hidden_states[2])
    cond = encode(pipe, [TARGET])
    torch.testing.assert_close(cond.seq, torch.cat(parts, dim=-1))
    torch.testing.assert_close(cond.pooled, out.text_embeds)


def test_the_empty_prompt_is_encoded_where_the_pipeline_gives_zeros(pipe):
    empty = encode(pipe, [''])
    with torch.no_grad():
        _, zeros, _, pooled_zeros = pipe.encode_prompt(SOURCE, negative_prompt=None)
        _, encoded, _, pooled = pipe.encode_prompt(SOURCE, negative_prompt='')
    assert not zeros.any()
    assert not pooled_zeros.any()
    assert empty.seq.abs().min() > 0 or empty.seq.any()
    torch.testing.assert_close(empty.seq, encoded)
    torch.testing.assert_close(empty.pooled, pooled)


def test_a_prompt_gives_the_same_bits_in_any_company(pipe):
    assert same(encode(pipe, [TARGET, SOURCE, ''])[1], encode(pipe, [SOURCE]))


def test_prompts_differ(pipe):
    source, target = encode(pipe, [SOURCE]), encode(pipe, [TARGET])
    assert (source.seq - target.seq).abs().max() > 0.1
    assert (source.pooled - target.pooled).abs().max() > 0.01
    assert torch.equal(source.seq[:, :5], target.seq[:, :5]), 'a text encoder looks back only'


def test_rows_repeats_and_parts(pipe):
    cond = encode(pipe, [SOURCE, TARGET, ''])
    assert len(cond[1]) == len(cond[-1]) == 1
    assert same(cond[-1], cond[2])
    assert same(cond[[2, 0]], Conditioning.cat([cond[2], cond[0]]))
    assert same(cond[:2].repeat(2), cond[[0, 1, 0, 1]])
    assert same(cond.to('cpu').detach(), cond)
    assert not zeros_like(cond).seq.any()
    assert zeros_like(cond).pooled.shape == cond.pooled.shape


def test_gradients_pass_rows_and_end_at_detach(pipe):
    cond = encode(pipe, [SOURCE])
    free = Conditioning(cond.seq.clone().requires_grad_(), cond.pooled.clone().requires_grad_())
    Conditioning.cat([free.repeat(2)[1], cond]).seq.sum().backward()
    assert torch.equal(free.seq.grad, torch.ones_like(free.seq))
    assert not free.detach().seq.requires_grad
    assert not free.detach().pooled.requires_grad


def test_prompts_that_cannot_be_encoded_whole_are_refused(pipe):
    with pytest.raises(UsageError, match='tokens long'):
        encode(pipe, [SOURCE, 'rust ' * 80])


def test_a_prompt_that_the_tokenizers_split_differently_is_refused():
    """The second pads with '!' and sees padding wherever it stands; in the real vocabulary '!!' is one token."""
    vocab, merges = vocabulary(['crack', '!!'])
    first, second = (CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad) for pad in (END, '!'))
    with pytest.raises(UsageError, match="two tokenizers split it differently; leave '!' out"):
        encode(SimpleNamespace(tokenizer=first, tokenizer_2=second), ['crack!!'])


def test_encoders_in_half_precision_still_give_float32():
    pipe = tiny_sdxl(1)
    pipe.text_encoder.to(torch.bfloat16)
    pipe.text_encoder_2.to(torch.bfloat16)
    cond = encode(pipe, [SOURCE])
    assert cond.seq.dtype == cond.pooled.dtype == torch.float32

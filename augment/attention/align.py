"""Which tokens of a target prompt answer to which tokens of its source prompt.

Hertz et al., Prompt-to-Prompt Image Editing with Cross Attention Control, 2022: refinement, where words are added,
replacement, where words are exchanged one by one, and reweighting. Both text encoders of SDXL cut a prompt into
the same tokens and differ only in what follows its end, so that one alignment serves them both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import punctuation
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augment.config.settings import ControlSettings
from augment.errors import UsageError
from augment.sdxl.tokens import LENGTH, TokenTable, tokens


@dataclass(frozen=True, eq=False)
class Alignment:
    """How the cross-attention of a target row is made from that of its source row, maps being (..., 77).

    ``equalizer * (mix * (source @ projection) + (1 - mix) * own)``, with ``projection`` (77, 77) from source to
    target tokens, ``mix`` (77,) 1 where a target token has a counterpart, ``equalizer`` (77,) factors.
    """

    projection: Tensor
    mix: Tensor
    equalizer: Tensor


def align(
    tokenizer: Any, source_prompt: str, target_prompt: str, mode: str, equalize: Mapping[str, float]
) -> Alignment:
    """The alignment of two prompts; ``mode`` is ``refine`` or ``replace``, ``equalize`` a factor for each word.

    Raises UsageError for a word that the target prompt lacks, for ``replace`` with prompts of different numbers of
    words, and for a prompt that is too long.
    """
    source, target = tokens(tokenizer, source_prompt), tokens(tokenizer, target_prompt)
    factors = equalizer(target, equalize)
    if mode == 'replace':
        return Alignment(replace_matrix(source, target), torch.ones(LENGTH), factors)
    return Alignment(*_refine_tensors(refine_mapper(source.ids, target.ids)), factors)


def windows(control: ControlSettings, steps: int) -> tuple[int, int]:
    """The first steps of an edit that cross-attention and self-attention are controlled in: 20 and 15 of 50.

    Cross-attention counts one step more than there are, as the authors' code does.
    """
    return _whole(control.cross_window * (steps + 1)), _whole(control.self_window * steps)


def _whole(steps: float) -> int:
    """Steps rounded down, 28.999999999999996 (0.29 of 100) being 29."""
    return int(steps + 1e-9)


def refine_mapper(source_ids: Sequence[int], target_ids: Sequence[int]) -> list[int]:
    """For each of 77 target tokens its source token, -1 where it is new; what fills up the prompt keeps its place.

    Ids with begin and end, without filling. Needleman & Wunsch 1970 with match 1, mismatch -1, gap 0; of equally
    good alignments the one that leaves later target tokens new, then later source tokens unused.
    """
    scores = _alignment_scores(source_ids, target_ids)
    mapper = list(range(LENGTH))
    row, column = len(source_ids), len(target_ids)
    while column:
        if scores[row, column] == scores[row, column - 1]:
            column -= 1
            mapper[column] = -1
        elif scores[row, column] == scores[row - 1, column]:
            row -= 1
        else:
            row, column = row - 1, column - 1
            mapper[column] = row
    return mapper


def _alignment_scores(source_ids: Sequence[int], target_ids: Sequence[int]) -> np.ndarray:
    """Best score of every pair of beginnings, (S + 1, T + 1)."""
    scores = np.zeros((len(source_ids) + 1, len(target_ids) + 1), dtype=np.int64)
    for row, source in enumerate(source_ids, 1):
        for column, target in enumerate(target_ids, 1):
            both = scores[row - 1, column - 1] + (1 if source == target else -1)
            scores[row, column] = max(scores[row, column - 1], scores[row - 1, column], both)
    return scores


def _refine_tensors(mapper: Sequence[int]) -> tuple[Tensor, Tensor]:
    """``projection`` (77, 77) and ``mix`` (77,) of a mapper."""
    rows = torch.tensor(mapper)
    columns = (rows >= 0).nonzero().flatten()
    projection = torch.zeros(LENGTH, LENGTH)
    projection[rows[columns], columns] = 1
    return projection, (rows >= 0).float()


def replace_matrix(source: TokenTable, target: TokenTable) -> Tensor:
    """From source to target tokens, (77, 77): word k to word k, begin to begin, end to end, the rest in its place.

    Words of equally many tokens are paired token by token; otherwise every token of the source word gives an equal
    share to each token of the target word. Raises UsageError unless the prompts have equally many words.
    """
    before, after = _groups(source), _groups(target)
    if len(before) != len(after):
        raise UsageError(
            f"control.mode 'replace' exchanges word for word, but {source.prompt!r} has {len(before) - 2} words "
            f"and {target.prompt!r} has {len(after) - 2}: use 'refine' where words are added"
        )
    matrix = torch.zeros(LENGTH, LENGTH)
    for old, new in zip(before, after, strict=True):
        if len(old) == len(new):
            matrix[old, new] = 1
        else:
            matrix[np.ix_(old, new)] = 1 / len(new)
    filling = range(len(target.ids), LENGTH)
    matrix[filling, filling] = 1
    return matrix


def _groups(table: TokenTable) -> list[list[int]]:
    """The tokens of the begin, of each word, of the end."""
    words = [[k for k, word in enumerate(table.words) if word == index] for index in range(len(table.spelled))]
    return [[0], *words, [len(table.ids) - 1]]


def equalizer(table: TokenTable, words: Mapping[str, float]) -> Tensor:
    """Factors of the 77 tokens: those of ``words`` for their tokens, 1 for all others."""
    factors = torch.ones(LENGTH)
    for word, factor in words.items():
        factors[word_tokens(table, word)] = factor
    return factors


def word_tokens(table: TokenTable, word: str, missing_ok: bool = False) -> list[int]:
    """The tokens of ``word``, or of several words in a row, wherever the prompt says it.

    Case and punctuation around words do not count. Raises UsageError where the prompt lacks it, unless that is ok.
    """
    said, wanted = _plain(table.prompt), _plain(word)
    starts = [k for k in range(len(said)) if wanted and said[k : k + len(wanted)] == wanted]
    if not (starts or missing_ok):
        raise UsageError(f'the prompt {table.prompt!r} does not say {word!r}: its words are {", ".join(said)}')
    chosen = {start + k for start in starts for k in range(len(wanted))}
    return [k for k, index in enumerate(table.words) if index in chosen]


def _plain(text: str) -> list[str]:
    """The words of ``text`` in small letters, without punctuation around them."""
    return [word.strip(punctuation).lower() for word in text.split()]

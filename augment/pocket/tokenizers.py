"""Two tokenizers in which every word of the captions is one token, and the prompts as numbers."""

import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from augment.config.settings import WORDS
from augment.sdxl import tiny
from augment.sdxl.tokens import LENGTH, tokens
from augment.sdxl.upstream import CLIPTokenizer

TEMPLATE = ('photo', 'of', 'a', 'with')


def caption_words(captions: Iterable[str]) -> list[str]:
    """The words of ``captions``, of the editor's template and the six that it edits towards, in a fixed order.

    Others fall into letters, which the encoders never saw.
    """
    said = {word for caption in captions for word in re.findall(r'[a-z]+', caption.lower())}
    first = (*TEMPLATE, *WORDS)
    return [*first, *sorted(said.difference(first))]


def pocket_tokenizers(captions: Iterable[str]) -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """The tokenizers of both encoders; as in SDXL the second pads with another token than the first."""
    return tiny.tokenizers(caption_words(captions))


def prompt_ids(tokenizer: CLIPTokenizer, prompts: Sequence[str]) -> Tensor:
    """Token ids (N, 77) int64 with padding. Raises UsageError for a prompt that is too long."""
    rows = [list(tokens(tokenizer, prompt).ids) for prompt in prompts]
    return torch.tensor([row + [tokenizer.pad_token_id] * (LENGTH - len(row)) for row in rows])

"""What the tokenizer makes of a prompt, and which word each token belongs to."""

import re
from dataclasses import dataclass
from typing import Any

from augment.errors import UsageError

LENGTH = 77  # positions of CLIP's text encoders, with the begin and end tokens


@dataclass(frozen=True)
class TokenTable:
    """The tokens of one prompt, begin and end token included, without padding.

    ``pieces`` are the tokenizer's own spellings. ``words[k]`` is the index of the word, among those that spaces
    separate, from which token k comes; None for the begin and end token.
    """

    prompt: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    words: tuple[int | None, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def spelled(self) -> list[str]:
        """The words of the prompt, as spaces separate them."""
        return self.prompt.split()


def tokens(tokenizer: Any, prompt: str) -> TokenTable:
    """Tokens of ``prompt``; words are found by character offsets, so hyphens and commas stay with their word.

    Raises UsageError for a prompt that does not fit into the encoder, whose end would silently be cut off, and for
    a tokenizer without a vocabulary, which would make every prompt the same.
    """
    check_vocabulary(tokenizer)
    encoded = tokenizer(prompt, return_offsets_mapping=True, verbose=False)
    ids = encoded['input_ids']
    if len(ids) > LENGTH:
        raise UsageError(f'prompt {prompt!r} is {len(ids)} tokens long, the model reads {LENGTH}: shorten it')
    starts = [word.start() for word in re.finditer(r'\S+', prompt)]
    words = [sum(start <= first for start in starts) - 1 for first, _ in encoded['offset_mapping'][1:-1]]
    return TokenTable(prompt, tuple(ids), tuple(tokenizer.convert_ids_to_tokens(ids)), (None, *words, None))


def check_vocabulary(tokenizer: Any) -> None:
    """Refuse a tokenizer whose vocabulary was not read: transformers 5 builds an empty one without a word."""
    if len(tokenizer) <= 100:
        raise UsageError(
            f'the tokenizer knows {len(tokenizer)} tokens only: its vocab.json and merges.txt were not read; '
            'load it with CLIPTokenizer.from_pretrained(folder)'
        )

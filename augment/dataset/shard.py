"""A share of the photographs, for one of several processes or machines."""

import hashlib
import re
from dataclasses import dataclass

from augment.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """Share ``index`` (from 1) of ``count``; every photograph is in exactly one, whatever else is in the set."""

    index: int = 1
    count: int = 1

    def __contains__(self, stem: str) -> bool:
        digest = hashlib.sha1(stem.encode(), usedforsecurity=False).hexdigest()
        return int(digest, 16) % self.count == self.index - 1

    def __str__(self) -> str:
        return f'{self.index}/{self.count}'

    @property
    def alone(self) -> bool:
        """Whether it is all there is."""
        return self.count == 1

    @property
    def manifest(self) -> str:
        """The name of its journal."""
        return 'manifest.jsonl' if self.alone else f'manifest.{self.index}-of-{self.count}.jsonl'


def parse_shard(text: str) -> Shard:
    """``2/4`` as the second of four. Raises UsageError."""
    match = re.fullmatch(r'(\d+)/(\d+)', text)
    shard = Shard(*map(int, match.groups())) if match else Shard(0, 0)
    if not 1 <= shard.index <= shard.count:
        raise UsageError(f'--shard {text}: expected I/N with I from 1 to N, such as 1/4')
    return shard

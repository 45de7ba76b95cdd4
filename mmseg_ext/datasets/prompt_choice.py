"""Which photographs are prompts for a query: drawn anew in training, listed once for testing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mmseg_ext.datasets.prompt_types import Photograph
from mmseg_ext.errors import DataError


class Generator(Protocol):
    """What is asked of random numbers; ``numpy.random`` itself, or a RandomState."""

    def random_sample(self) -> float: ...

    def randint(self, low: int) -> int: ...

    def permutation(self, x: int) -> np.ndarray: ...


@dataclass(frozen=True)
class PromptPair:
    """A query, the type it is asked for, and the photographs that show what that is."""

    query: Photograph
    asked: str
    prompts: tuple[Photograph, ...]

    @property
    def positive(self) -> bool:
        """Whether the query shows what it is asked for."""
        return self.asked in self.query.types


class PromptPool:
    """Photographs to draw prompts from, by their types."""

    def __init__(self, photographs: Sequence[Photograph]) -> None:
        self.photographs = list(photographs)
        self.by_type: dict[str, list[Photograph]] = {}
        for photograph in photographs:
            for name in sorted(photograph.types):
                self.by_type.setdefault(name, []).append(photograph)

    def positive(self, query: Photograph, asked: str, count: int, generator: Generator) -> PromptPair:
        """``count`` other photographs of the type; DataError where there are not so many."""
        found = _others(self.by_type.get(asked, ()), query)
        if len(found) < count:
            raise DataError(
                f'{query.path}: {len(found)} other photographs show its type "{asked}", {count} are needed as '
                'prompts; add some, lower top_k, or leave the type out (hold_out, types)'
            )
        return drawn(query, asked, found, count, generator)

    def negative(self, query: Photograph, count: int, generator: Generator) -> PromptPair | None:
        """A type that the query does not show, drawn uniformly, in photographs that share no type with it.

        None where no type has ``count`` such photographs.
        """
        found = {}
        for name in sorted(set(self.by_type) - query.names):
            fit = [each for each in _others(self.by_type[name], query) if not each.names & query.names]
            if len(fit) >= count:
                found[name] = fit
        if not found:
            return None
        asked = list(found)[generator.randint(len(found))]
        return drawn(query, asked, found[asked], count, generator)


def _others(photographs: Sequence[Photograph], query: Photograph) -> list[Photograph]:
    return [each for each in photographs if each.path != query.path]


def drawn(
    query: Photograph, asked: str, found: Sequence[Photograph], count: int, generator: Generator
) -> PromptPair:
    """A pair with ``count`` of the prompts that were found, in random order."""
    order = generator.permutation(len(found))[:count]
    return PromptPair(query, asked, tuple(found[place] for place in order))


def shared_type(query: Photograph, prompts: Sequence[Photograph]) -> str | None:
    """What prompts ask the query for: a type that all of them show, one that the query shows too before others."""
    shared = frozenset.intersection(*(prompt.names for prompt in prompts))
    return min(shared & query.names or shared, default=None)


def open_pairs(queries: Sequence[Photograph], types: frozenset[str]) -> list[PromptPair]:
    """Each query with each of its types (those in ``types``, if there are any), and no prompts yet."""
    return [PromptPair(query, name, ()) for query in queries for name in query.types if not types or name in types]


def by_type(pairs: Sequence[PromptPair]) -> dict[str, list[PromptPair]]:
    """The pairs that ask for a type, in their order, for every type in the order of the alphabet."""
    return {
        name: [pair for pair in pairs if pair.asked == name] for name in sorted({pair.asked for pair in pairs})
    }


def fixed_pairs(
    queries: Sequence[Photograph], pool: PromptPool, types: frozenset[str], count: int, negatives: bool, seed: int
) -> list[PromptPair]:
    """Each query with a positive pair, and with ``negatives`` a negative one where there is any; same for a seed.

    A query of several types is asked for one of them, drawn; with ``types``, for one that is in there.
    """
    generator, pairs = np.random.RandomState(seed), []
    for query in queries:
        names = sorted(query.names & types if types else query.names)
        if not names:
            continue
        asked = names[generator.randint(len(names))]
        pairs.append(_named(pool.positive(query, asked, count, generator), types))
        negative = pool.negative(query, count, generator) if negatives else None
        if negative:
            pairs.append(_named(negative, frozenset()))
    return pairs


def _named(pair: PromptPair, types: frozenset[str]) -> PromptPair:
    """The pair asked for what its prompts say by themselves, where that is allowed: so a mapping can name it."""
    asked = shared_type(pair.query, pair.prompts)
    return replace(pair, asked=asked) if not types or asked in types else pair

"""Pictures that occur in two splits: a score on a picture that was trained on says nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from mmseg_ext.datasets.pairs import Pair
from mmseg_ext.datasets.problems import Problem


def find_leaks(splits: Mapping[str, Sequence[Pair]]) -> list[Problem]:
    """Warnings for images of identical content, and for identical stems, in any two splits.

    Files are compared only with files of the same number of bytes, so almost none is read.
    """
    pictures = _same_content(splits)
    return [warning for pair in combinations(splits, 2) for warning in _between(*pair, splits, pictures)]


def _between(
    first: str, second: str, splits: Mapping[str, Sequence[Pair]], pictures: Mapping[str, str]
) -> Iterator[Problem]:
    twins = {pictures[pair.image] for pair in splits[first] if pair.image in pictures}
    stems = {pair.stem for pair in splits[first]}
    for pair in splits[second]:
        if pictures.get(pair.image) in twins:
            what = f'the same picture, byte for byte, is in {first}'
            yield Problem(pair.image, what, f'remove it from {first} or from {second}')
        elif pair.stem in stems:
            what = f'an image of the same stem is in {first}'
            yield Problem(pair.image, what, f'if it shows the same scene, keep it out of {first} or of {second}')


def _same_content(splits: Mapping[str, Sequence[Pair]]) -> dict[str, str]:
    """Path → digest of every image that shares its size in bytes with another."""
    by_size = defaultdict(set)
    for path in {pair.image for pairs in splits.values() for pair in pairs}:
        by_size[Path(path).stat().st_size].add(path)
    shared = [path for paths in by_size.values() if len(paths) > 1 for path in paths]
    # The path keeps empty files, which are reported as such, from being each other's twins.
    return {path: hashlib.sha256(Path(path).read_bytes() or path.encode()).hexdigest() for path in shared}

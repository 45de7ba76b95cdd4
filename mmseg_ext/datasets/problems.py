"""What a data-set check finds, and how it is said: one line with the path, what is wrong and the cure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmseg_ext.errors import DataError


@dataclass(frozen=True)
class Problem:
    """One finding. Findings of one kind share the text of their cure, which is what they are grouped by."""

    path: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f'{self.path}: {self.what}; {self.cure}'


def data_error(owner: str, problems: Sequence[Problem]) -> DataError:
    """The error that says everything that was found in ``owner``."""
    return DataError(f'{owner}: {summarise(problems)}')


def group(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Findings of one kind together, in the order in which the kinds first occur; numbers do not make a kind."""
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[re.sub(r'\d+', '#', problem.cure)].append(problem)
    return list(kinds.values())


def one_line(kind: Sequence[Problem], shown: int = 3) -> str:
    """One kind in one line: how many files, the first few paths, what is wrong with the first, the cure."""
    if len(kind) == 1:
        return str(kind[0])
    paths = ', '.join(problem.path for problem in kind[:shown])
    more = f' and {len(kind) - shown} more' if len(kind) > shown else ''
    same = len({problem.what for problem in kind}) == 1
    return f'{len(kind)} files: {kind[0].what}{"" if same else " (the first)"}: {paths}{more}; {kind[0].cure}'


def summarise(problems: Sequence[Problem]) -> str:
    """All kinds, a line each. A single line in all when there is one kind."""
    lines = [one_line(kind) for kind in group(problems)]
    if len(lines) == 1:
        return lines[0]
    return '\n  '.join([f'{len(problems)} problems of {len(lines)} kinds', *lines])

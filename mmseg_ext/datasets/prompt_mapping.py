"""Which prompts a query is judged with, in a file: {file name of the query: [file names of its prompts]}.

The format of ``mapping_vit_filtered.json`` of the SegGPT experiments. One file holds one pair a query, so positive
and negative pairs take two.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmseg_ext.datasets.prompt_choice import PromptPair, shared_type
from mmseg_ext.datasets.prompt_types import Photograph
from mmseg_ext.errors import DataError, UsageError, listed, near
from mmseg_ext.files import read_json, write_json

EXPECTED = 'a mapping is {"query.png": ["prompt.png", …], …}'


def read_mapping(path: str | Path) -> dict[str, list[str]]:
    """The names in a mapping, as they stand there. UsageError for a missing file, or one that is no mapping."""
    content = read_json(path)
    if content is None:
        raise UsageError(f'{path}: no such mapping; {EXPECTED}')
    if not isinstance(content, dict) or not content:
        raise UsageError(f'{path}: no mapping; {EXPECTED}')
    for query, names in content.items():
        if not _is_list_of_names(names):
            raise UsageError(f'{path}: "{query}" is mapped to {names!r}; {EXPECTED}')
    return content


def _is_list_of_names(names: Any) -> bool:
    return isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)


class Names:
    """Photographs by what a mapping may call them: path, file name or stem, where only one is called so."""

    def __init__(self, photographs: Sequence[Photograph]) -> None:
        self.by_path = {each.path: each for each in photographs}
        self.files = Counter(Path(path).name for path in self.by_path)
        stems = Counter(Path(path).stem for path in self.by_path)
        self.known = dict(self.by_path)
        for path, each in self.by_path.items():
            file = Path(path)
            self.known |= {file.stem: each} if stems[file.stem] == 1 else {}
            self.known |= {file.name: each} if self.files[file.name] == 1 else {}

    def find(self, name: str) -> Photograph | None:
        """The photograph of that name; a name with folders that are not here goes by its file."""
        return self.known.get(name) or self.known.get(Path(name).name)

    def of(self, photograph: Photograph) -> str:
        """The shortest name with a suffix that only this photograph has."""
        name = Path(photograph.path).name
        return name if self.files[name] == 1 else photograph.path

    def what_is_wrong(self, name: str) -> str:
        """Why ``find`` has nothing, with the cure."""
        file = Path(name).name
        if self.files[file] > 1:
            paths = [path for path in self.by_path if Path(path).name == file]
            return f'{len(paths)} photographs have this name; write the path, such as {paths[0]}'
        return f'no such photograph in the data sets (near: {near(file, self.files)}); correct the name'


def mapped_pairs(
    paths: Sequence[str | Path],
    queries: Sequence[Photograph],
    prompts: Sequence[Photograph],
    count: int,
    first: bool = True,
) -> list[PromptPair]:
    """The pairs that mappings name, in the order of the queries and, for one query, of the files.

    With ``first`` a query keeps the first ``count`` of its prompts, as for a test, else all, to be drawn from. It
    is asked for the type that those show in common (one that it shows too before others).

    Raises:
        UsageError: a file that is no mapping.
        DataError: a line for every name without a photograph, or for every query with fewer prompts than
            ``count`` or with prompts that share no type.
    """
    asked, shown = Names(queries), Names(prompts)
    mappings = [(path, read_mapping(path)) for path in paths]
    missing = dict.fromkeys(_missing(mappings, asked, shown))
    if missing:
        raise DataError(listed(missing))
    lines = [(path, query, names) for path, mapping in mappings for query, names in mapping.items()]
    kept = count if first else None
    found = [_pair(asked.find(query), [shown.find(name) for name in names[:kept]]) for _, query, names in lines]
    wrong = [
        f'{path}: "{query}": {what}'
        for (path, query, names), pair in zip(lines, found, strict=True)
        for what in _defects(pair, names, count)
    ]
    if wrong:
        raise DataError(listed(wrong))
    place = {each.path: index for index, each in enumerate(queries)}
    return sorted(found, key=lambda pair: place[pair.query.path])


def _missing(mappings: Sequence[tuple], asked: Names, shown: Names) -> Iterator[str]:
    """A line for every name that is no photograph."""
    for path, mapping in mappings:
        for query, names in mapping.items():
            if asked.find(query) is None:
                yield f'{path}: query "{query}": {asked.what_is_wrong(query)}'
            for name in names:
                if shown.find(name) is None:
                    yield f'{path}: prompt "{name}": {shown.what_is_wrong(name)}'


def _defects(pair: PromptPair, names: Sequence[str], count: int) -> Iterator[str]:
    """What keeps prompts from asking for something."""
    if len(names) < count:
        yield f'{len(names)} prompts, top_k is {count}; name more, or lower top_k'
    if not pair.asked:
        said = ', '.join(names[: len(pair.prompts)])
        yield f'its prompts {said} show no type in common; name prompts of one type'


def _pair(query: Photograph, prompts: Sequence[Photograph]) -> PromptPair:
    return PromptPair(query, shared_type(query, prompts) or '', tuple(prompts))


def write_pairs(path: str | Path, pairs: Sequence[PromptPair], asked: Names, shown: Names) -> None:
    """Write ``pairs`` as a mapping; ``asked`` and ``shown`` are the names of queries and of prompts.

    Raises UsageError where there is no pair, or a second one of a query, which needs a file of its own; and for a
    query asked for one of several types that its prompts share, which a mapping cannot say.
    """
    if not pairs:
        raise UsageError(f'{path}: there are no such pairs to write; see negative_ratio and types')
    content = {asked.of(pair.query): [shown.of(prompt) for prompt in pair.prompts] for pair in pairs}
    unclear = [pair.query.path for pair in pairs if shared_type(pair.query, pair.prompts) != pair.asked]
    if unclear or len(content) < len(pairs):
        what = f'which type {unclear[0]} is asked for' if unclear else 'two pairs of one query'
        raise UsageError(f'{path}: a mapping cannot say {what}; draw pairs by another seed, or pass on the config')
    write_json(path, content)

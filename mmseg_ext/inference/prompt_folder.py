"""Prompts as files: images in one folder, labels of what they show in another, and who is asked by which."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmseg_ext.datasets.prompt_mapping import read_mapping
from mmseg_ext.datasets.transforms.decode import read_image
from mmseg_ext.errors import DataError, UsageError, listed, near
from mmseg_ext.inference.defect_labels import find_files, meant, read_label, stem
from mmseg_ext.inference.reading import Image


class PromptPair(NamedTuple):
    """The files of an image and its label."""

    image: Path
    label: Path


class Prompt(NamedTuple):
    """An image (H, W, 3) uint8 BGR, and (H, W) uint8: 1 where it shows the defect."""

    image: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class PromptFolder:
    """Prompts by their stems, and which of them a query is asked by: the first ``top_k`` that ``mapping`` names
    for its stem, or, without a mapping, the first ones in the order of their names for every query."""

    pairs: dict[str, PromptPair]
    mapping: Mapping[str, Sequence[str]] | None = None
    top_k: int = 1

    @classmethod
    def find(
        cls, images: str | Path, labels: str | Path, mapping: str | Path | None = None, top_k: int | None = None
    ) -> 'PromptFolder':
        """The prompts of two folders. ``mapping``: a JSON file, {file name of a query: [file names of prompts]}.

        Without ``top_k`` it is all that the mapping names, and without a mapping one. DataError for an image
        without a label, and with all the files that the mapping names and that are not there; UsageError for a
        mapping that is none, or for more prompts than there are.
        """
        pictures, masks = find_files(Path(images)), find_files(Path(labels))
        alone = [f'{path}: a prompt without a label in {labels}; put one there, or remove the image'
                 for name, path in pictures.items() if name not in masks]  # fmt: skip
        if alone:
            raise DataError(listed(alone))
        pairs = {name: PromptPair(path, masks[name]) for name, path in pictures.items()}
        if mapping is None and (top_k or 1) > len(pairs):
            raise UsageError(f'top_k {top_k}: there are {len(pairs)} prompts in {images}; give at most so many')
        names = None if mapping is None else mapped(Path(mapping), Path(images), pairs)
        longest = 1 if names is None else max(map(len, names.values()))
        return cls(pairs, names, longest if top_k is None else top_k)

    def of(self, query: Image) -> tuple[PromptPair, ...]:
        """The prompts of an image. DataError for one that the mapping does not name."""
        if self.mapping is None:
            return tuple(self.pairs[name] for name in sorted(self.pairs)[: self.top_k])
        if isinstance(query, np.ndarray):
            raise UsageError('a mapping goes by file names and an array has none; give the path of the image')
        found = meant(query, self.mapping)
        if found is None:
            hint = near(Path(query).stem, self.mapping)
            raise DataError(f'{query}: the mapping names no prompts for it (near: {hint}); add it there')
        return tuple(self.pairs[name] for name in self.mapping[found][: self.top_k])


def mapped(path: Path, folder: Path, prompts: Collection[str]) -> dict[str, list[str]]:
    """{stem of a query: stems of its prompts} of a JSON file, in which names may have folders and suffixes.

    UsageError for a file that is no mapping; DataError with a line for every name that is no prompt of ``folder``,
    whose files have the stems ``prompts``.
    """
    content = read_mapping(path)
    named = {name: meant(name, prompts) for names in content.values() for name in names}
    missing = [name for name, found in named.items() if found is None]
    if missing:
        lines = (f'{path}: no prompt "{name}" in {folder} (near: {near(stem(name), prompts)})' for name in missing)
        raise DataError(listed(lines))
    return {stem(query): [named[name] for name in names] for query, names in content.items()}


def read_prompt(pair: PromptPair) -> Prompt:
    """Image and label of a prompt. DataError for files that are none, or that show no defect."""
    try:
        image = read_image(pair.image)
    except (OSError, ValueError) as error:
        raise DataError(f'{pair.image}: cannot be decoded as an image; replace or remove it') from error
    label = read_label(pair.label, image.shape[:2])
    if not label.any():
        raise DataError(
            f'{pair.label}: it marks nothing, and a prompt says what to look for; choose another prompt'
        )
    return Prompt(image, label)

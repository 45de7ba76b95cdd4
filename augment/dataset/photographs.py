"""A photograph of the job: its files, their hashes, and its pixels once they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from augment.dataset.reading import read_pair
from augment.dataset.source import Item
from augment.files import sha256


@dataclass
class Shot:
    """An item of the source. ``image`` and ``label`` are there after ``read``."""

    item: Item
    image: np.ndarray | None = None
    label: np.ndarray | None = None

    def read(self, labelled: bool, classes: Sequence[str]) -> None:
        """Read and check both files. Raises DataError."""
        self.image, self.label = read_pair(self.item, labelled, classes)

    @cached_property
    def hashes(self) -> dict[str, str | None]:
        """SHA-256 of both files as they were when first asked; None for one that is not there or not readable."""
        return {'sha256': _hash(self.item.image), 'label_sha256': _hash(self.item.label)}


def _hash(path: Path | None) -> str | None:
    try:
        return None if path is None else sha256(path)
    except OSError:
        return None

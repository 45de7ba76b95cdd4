"""What the tests of the cache of decoded arrays share: sources, a maker that counts, and the entries on disk."""

import json
import os
import time
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.cache_budget import LEDGER

HOUR = 3600


class Maker:
    """Makes arrays from the bytes of a file and counts how often."""

    def __init__(self, size: int = 1000) -> None:
        self.calls, self.size = 0, size

    def __call__(self, source: str | Path) -> dict[str, np.ndarray]:
        self.calls += 1
        first = Path(source).read_bytes()[0]
        return {
            'img': np.full((self.size, 4, 3), first, np.uint8),
            'ends': np.arange(6, dtype=np.int32).reshape(2, 3),
        }


def source(path: Path, content: bytes = b'a', age: float = HOUR) -> Path:
    """A file last written ``age`` seconds ago."""
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob('*.arrays'))


def used(folder: Path) -> int:
    return sum(file.stat().st_size for file in entries(folder))


def promised(folder: Path) -> int:
    return json.loads((folder / LEDGER).read_text())['bytes']

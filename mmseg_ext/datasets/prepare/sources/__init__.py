"""The downloads that can be prepared, one file each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mmseg_ext.datasets.prepare.download import Download, Options
from mmseg_ext.datasets.prepare.sources import (
    camvid,
    crack500,
    crackforest,
    curves,
    deepcrack,
    magnetic_tile,
    pairs,
    seggpt,
)


@dataclass(frozen=True)
class Source:
    """How one download is read, what it looks like, and the data-set base in configs/ that trains on it.

    ``classes``: those of the base, where a download may have others.
    """

    scan: Callable[[Options], Download]
    expected: str
    base: str | None
    classes: tuple[str, ...] | None = None

    def base_for(self, classes: tuple[str, ...]) -> str | None:
        """The base, if its classes are these."""
        return self.base if self.classes in (None, classes) else None


SOURCES = {
    'magnetic_tile': Source(magnetic_tile.scan, magnetic_tile.EXPECTED, 'magnetic_tile'),
    'crackforest': Source(crackforest.scan, crackforest.EXPECTED, 'crackforest'),
    'crack500': Source(crack500.scan, crack500.EXPECTED, 'crack500'),
    'cracktree260': Source(partial(curves.scan, 'train'), curves.EXPECTED, 'cracktree260'),
    'crkwh100': Source(partial(curves.scan, 'test'), curves.EXPECTED, 'crkwh100'),
    'crackls315': Source(partial(curves.scan, 'test'), curves.EXPECTED, 'crackls315'),
    'stone331': Source(curves.scan_stone, curves.EXPECTED, 'stone331'),
    'deepcrack': Source(deepcrack.scan, deepcrack.EXPECTED, 'deepcrack'),
    'camvid': Source(camvid.scan, camvid.EXPECTED, 'camvid11'),
    'seggpt': Source(seggpt.scan, seggpt.EXPECTED, 'seggpt', seggpt.CLASSES),
    'pairs': Source(pairs.scan, pairs.EXPECTED, None),
}

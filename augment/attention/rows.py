"""Which rows of a batch belong to an edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Pair(NamedTuple):
    """One target of one image, with its row and that of its source (None: not in this call)."""

    image: int
    target: int
    source_row: int | None
    target_row: int


@dataclass(frozen=True)
class Rows:
    """The conditional rows of one call of the UNet: of B images the source row, and the rows of n targets each.

    None stands for a row that is not in this call: a source that nobody reads any more (see
    ``EditControl.needs_source``), targets that go through the UNet by themselves.
    """

    source: Sequence[int | None]
    targets: Sequence[Sequence[int | None]]

    def pairs(self) -> list[Pair]:
        """The targets in this call, image by image."""
        images = enumerate(zip(self.source, self.targets, strict=True))
        found = [Pair(b, t, source, row) for b, (source, rows) in images for t, row in enumerate(rows)]
        return [pair for pair in found if pair.target_row is not None]

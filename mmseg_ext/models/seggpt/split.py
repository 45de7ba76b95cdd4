"""How closely SegGPT looks: photographs in tiles, and which tiles of a prompt are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.tiling import Span, blend_bands, equal_spans
from mmseg_ext.models.seggpt.paint import IGNORED

PROMPT_TILES = ('defect', 'all', 'whole')
SHARED = 0.25  # of a tile, by neighbours that are stitched


class Tile(NamedTuple):
    """A part of a prompt: image (3, h, w) uint8 BGR and label (h, w) of class indices."""

    image: Tensor
    label: Tensor

    def visible(self, size: int) -> bool:
        """Whether a network of ``size`` x ``size`` pixels sees anything of what is labelled."""
        seen = F.interpolate(self.label[None, None].float(), (size, size), mode='nearest-exact')
        return bool(((seen > 0) & (seen != IGNORED)).any())


@dataclass(frozen=True)
class Split:
    """``count`` x ``count`` equal tiles, for a network that resizes whatever it sees to a size of its own: the
    more tiles, the larger a defect is in them.

    Args:
        count: tiles a side.
        stitch: neighbours share a quarter of a tile and fade into each other there; else they touch.
        prompt_tiles: the part of a prompt that is shown. 'defect': the tiles, cut as the photograph's are, that
            show the defect; 'all': all tiles; 'whole': the prompt in one piece. Several tiles are shown together:
            each costs a row of the network for each tile of the photograph (n^4 rows a prompt with 'all').

    UsageError for values that do not go together.
    """

    count: int = 1
    stitch: bool = False
    prompt_tiles: str = 'defect'

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or self.count < 1:
            raise UsageError(f'split {self.count!r}: expected the number of tiles a side, 1 or more')
        if self.stitch and self.count == 1:
            raise UsageError('stitch: there is one tile and nothing to stitch; say split 2 or more')
        if self.prompt_tiles not in PROMPT_TILES:
            raise UsageError(f'prompt_tiles {self.prompt_tiles!r}: expected one of {", ".join(PROMPT_TILES)}')

    @classmethod
    def of(cls, test_cfg: Mapping[str, Any]) -> 'Split':
        """What ``split``, ``stitch`` and ``prompt_tiles`` of a model's ``test_cfg`` say."""
        names = dict(split='count', stitch='stitch', prompt_tiles='prompt_tiles')
        return cls(**{field: test_cfg[name] for name, field in names.items() if name in test_cfg})

    def spans(self, height: int, width: int, align: int = 1) -> tuple[list[Span], list[Span]]:
        """Rows and columns of the tiles of an image of that size; here nothing has to ``align`` with strides."""
        overlap = SHARED if self.stitch else 0.0
        return equal_spans(height, self.count, overlap), equal_spans(width, self.count, overlap)

    def tiles(self, prompt: Tile) -> list[Tile]:
        """The tiles of a prompt, row by row; with 'whole' the prompt itself."""
        if self.prompt_tiles == 'whole':
            return [prompt]
        rows, columns = self.spans(*prompt.label.shape)
        return [
            Tile(*(each[..., row.start : row.stop, column.start : column.stop] for each in prompt))
            for row in rows
            for column in columns
        ]

    def shown(self, prompt: Tile, size: int) -> list[Tile]:
        """What a network of ``size`` x ``size`` pixels is shown of a prompt, one tile at least."""
        tiles = self.tiles(prompt)
        if self.prompt_tiles == 'all':
            return tiles
        seen = [tile for tile in tiles if tile.visible(size)]
        return seen or [tile for tile in tiles if tile.visible(max(tile.label.shape))] or tiles

    def blended(self, logits: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
        """(C, H, W): what ``logits`` says of each tile (3, h, w) of an image (3, H, W), put together."""

        def of_tile(rows: Span, columns: Span) -> Tensor:
            return logits(image[:, rows.start : rows.stop, columns.start : columns.stop])

        bands = blend_bands(of_tile, *self.spans(*image.shape[1:]))
        return torch.cat([band.clone() for _, band in bands], dim=1)

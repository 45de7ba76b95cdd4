"""Overlapping tiles of an image that is too large to be looked at in one piece, and their seamless union.

Along each axis neighbours share ``overlap`` pixels: of these, the outer quarter of either tile is not used at all
(there the tile's border is felt), and across the middle half one tile fades into the other. The weights of all
tiles sum to one at every pixel. So a network that feels a border no farther than a quarter of the overlap gives
the result of the whole image everywhere, and one that feels it three quarters far does so outside the fades.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

SMALLEST_TILE = 8  # pixels; in smaller ones rounding would let a tile overlap with the next but one


class Span(NamedTuple):
    """Rows or columns ``start`` up to, but without, ``stop``."""

    start: int
    stop: int


def tile_spans(length: int, tile: int, overlap: int, align: int = 32) -> list[Span]:
    """Tiles of about equal size, at most ``tile`` pixels long, that cover ``length`` pixels.

    ``tile`` and ``overlap`` are multiples of ``align``, and so is every start and every stop but the last: a
    network whose strides divide ``align`` then samples the same pixels in a tile as in the whole image.
    Raises ValueError when they are not, or when the overlap is more than half a tile.
    """
    if tile <= 0 or overlap < 0 or tile % align or overlap % align:
        raise ValueError(f'tile {tile} and overlap {overlap} have to be multiples of {align}')
    if 2 * overlap > tile:
        raise ValueError(f'an overlap of {overlap} is more than half a tile of {tile}')
    count = max(math.ceil((length - overlap) / (tile - overlap)), 1)
    size = math.ceil((length + (count - 1) * overlap) / count / align) * align
    step = size - overlap
    return [
        Span(i * step, min(i * step + size, length)) for i in range(count) if i == 0 or i * step + overlap < length
    ]


def equal_spans(length: int, count: int, overlap: float = 0.0) -> list[Span]:
    """``count`` tiles of one size that cover ``length`` pixels; neighbours share ``overlap`` (0..0.25) of a tile.

    Sizes are rounded up to whole pixels, so tiles that should only touch may share one. A line too short for tiles
    of SMALLEST_TILE pixels gets fewer. Raises ValueError for other numbers.
    """
    if count < 1 or not 0 <= overlap <= 0.25:
        raise ValueError(f'{count} tiles that share {overlap} of a tile: expected 1 or more, and 0 to 0.25')
    count = max(min(count, length // SMALLEST_TILE), 1)
    size = min(math.ceil(length / (count - (count - 1) * overlap)), length)
    starts = (i * (length - size) // max(count - 1, 1) for i in range(count))
    return [Span(start, start + size) for start in starts]


def feather(spans: Sequence[Span], index: int) -> Tensor:
    """Weights (stop - start,) float32 in 0..1 of tile ``index`` along one axis; those of all tiles sum to 1."""
    start, stop = spans[index]
    place = torch.arange(start, stop) + 0.5
    weight = torch.ones(stop - start)
    if index:
        weight = weight * _fade(place, start, spans[index - 1].stop)
    if index + 1 < len(spans):
        weight = weight * (1 - _fade(place, spans[index + 1].start, stop))
    return weight


def _fade(place: Tensor, start: int, stop: int) -> Tensor:
    """From 0 to 1 across the middle half of ``start``..``stop``; a step in the middle of an empty one."""
    overlap = stop - start
    if not overlap:
        return (place > start).float()
    return ((place - start) / (overlap / 2) - 0.5).clamp(0, 1)


def blend_bands(
    tile_logits: Callable[[Span, Span], Tensor], rows: Sequence[Span], columns: Sequence[Span]
) -> Iterator[tuple[int, Tensor]]:
    """The weighted union of all tiles as (first row, logits (C, h, W)) from top to bottom, each row once.

    ``tile_logits(rows, columns)`` gives the (C, h, w) of one tile. All bands are views of one buffer with room for
    one row of tiles, so a band is valid until the next is asked for, and the memory grows with the width of the
    image and not with its area.
    """
    across = [feather(columns, index) for index in range(len(columns))]
    buffer = None
    for index, (top, bottom) in enumerate(rows):
        down = feather(rows, index)
        for column, weight in zip(columns, across, strict=True):
            logits = tile_logits(rows[index], column)
            if buffer is None:
                height = max(stop - start for start, stop in rows)
                buffer = logits.new_zeros(logits.shape[0], height, columns[-1].stop)
            place = buffer[:, : bottom - top, column.start : column.stop]
            place += logits * (down[:, None] * weight).to(logits)
        complete = (rows[index + 1].start if index + 1 < len(rows) else bottom) - top
        yield top, buffer[:, :complete]
        carried = bottom - top - complete  # rows that the next tiles have a share in too
        buffer[:, :carried] = buffer[:, complete : complete + carried].clone()
        buffer[:, carried:] = 0


def missing(side: int, multiple: int) -> int:
    """How many pixels ``side`` lacks to the next multiple of ``multiple``, 0 if it is one.

    In these terms torch sees of a side that is not known yet, as in an exported graph, that it becomes a multiple,
    and that halving and doubling it gives the same side; of ``-side % multiple`` it does not.
    """
    return (side + multiple - 1) // multiple * multiple - side

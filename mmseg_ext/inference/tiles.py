"""When an image is looked at in tiles, and how its logits come out of the network then."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.functional.tiling import Span, blend_bands, tile_spans
from mmseg_ext.inference.reading import Sample
from mmseg_ext.models.seggpt.split import Split
from mmseg_ext.models.test_time import input_multiple

WHOLE_LIMIT = 4096 * 4096  # pixels of the network's input up to which 'auto' looks at the image in one piece
AUTO_TILE = 2048


@dataclass(frozen=True)
class Tiling:
    """``tile``: 'auto' (whole up to 16.8 million pixels, tiles of 2048 above), 'none', or the side of a tile.

    Tiles fade into each other across ``overlap`` pixels; both are rounded up to what the network's strides divide.
    A network that looks no farther than a quarter of the overlap gives the result of the whole image everywhere.
    One that pools over the whole image (PSPNet, Fast-SCNN, any with attention) sees another picture in each tile,
    so its result is another one; that is why images are not tiled below the limit.
    """

    tile: int | str | None = 'auto'
    overlap: int = 256

    def __post_init__(self) -> None:
        known = self.tile in ('auto', 'none', None) or (isinstance(self.tile, int) and self.tile > 0)
        if not known:
            raise UsageError(f'tile {self.tile!r}: expected auto, none, or a number of pixels')
        if self.overlap < 0 or (isinstance(self.tile, int) and 2 * self.overlap > self.tile):
            raise UsageError(f'overlap {self.overlap}: expected 0 up to half a tile ({self.tile}); change either')

    def spans(self, height: int, width: int, align: int) -> tuple[list[Span], list[Span]]:
        """Rows and columns of the tiles of an input of that size; one of each when it is looked at whole."""
        whole = self.tile in ('none', None) or (self.tile == 'auto' and height * width <= WHOLE_LIMIT)
        if whole:
            return [Span(0, height)], [Span(0, width)]
        tile = max(AUTO_TILE, 2 * self.overlap) if self.tile == 'auto' else self.tile
        tile, overlap = (math.ceil(length / align) * align for length in (tile, self.overlap))
        tile = max(tile, 2 * overlap)
        return tile_spans(height, tile, overlap, align), tile_spans(width, tile, overlap, align)


Prepared = tuple[Tensor, SegDataSample]


class Network:
    """A model seen as a function from an image of any size to logits of that size."""

    def __init__(self, model: nn.Module, tiling: Tiling | Split):
        self.model, self.tiling = model, tiling
        self.align = input_multiple(model)

    def spans(self, sample: Sample) -> tuple[list[Span], list[Span]]:
        """Rows and columns of its tiles. An image that the pipeline resizes is not cut: it is small already.

        DataError where a split was asked for and the pipeline resizes.
        """
        size = tuple(sample.inputs.shape[1:])
        if isinstance(self.tiling, Split) and self.tiling.count > 1 and size != sample.size:
            what = f'split {self.tiling.count}: the test pipeline resizes images from {sample.size} to {size}'
            raise DataError(f'{what}; take the resizing out of it')
        tiling = self.tiling if size == sample.size else Tiling('none')
        return tiling.spans(*size, self.align)

    def prepare(self, inputs: Tensor) -> Prepared:
        """Normalised and padded as when testing: (1, 3, h', w') float32 on the device of the model."""
        size = tuple(inputs.shape[1:])
        data = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))
        ready = self.model.data_preprocessor(dict(inputs=[inputs], data_samples=[data]), False)
        return ready['inputs'], ready['data_samples'][0]

    def logits(self, prepared: Prepared) -> Tensor:
        """(C, h, w) of a prepared input, its padding cut off again."""
        inputs, data = prepared
        logits = self.model.inference(inputs, [data.metainfo])[0]
        left, right, top, bottom = data.metainfo.get('img_padding_size', (0, 0, 0, 0))
        return logits[:, top : logits.shape[1] - bottom, left : logits.shape[2] - right]

    def bands(self, sample: Sample, spans: tuple[list[Span], list[Span]]) -> Iterator[tuple[int, Tensor]]:
        """The logits of a tiled image as (first row, (C, h, W)), from top to bottom."""

        def tile_logits(rows: Span, columns: Span) -> Tensor:
            return self.logits(
                self.prepare(sample.inputs[:, rows.start : rows.stop, columns.start : columns.stop])
            )

        return blend_bands(tile_logits, *spans)

    def resized(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """(C, h, w) at the size of the image, interpolated as mmseg does; as it is when it has that size."""
        if tuple(logits.shape[1:]) == size:
            return logits
        corners = self.model.align_corners
        return F.interpolate(logits[None], size, mode='bilinear', align_corners=corners)[0]

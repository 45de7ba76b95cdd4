"""SegGPT's equations in plain functions of its authors' weights: what the network is held against.

Written from the published description alone, one formula after the other, without transformers.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Sizes:
    """A small SegGPT: the query and the prompt are squares of ``size`` pixels."""

    size: int = 24
    patch: int = 8
    width: int = 12
    heads: int = 3
    depth: int = 5
    levels: tuple[int, ...] = (1, 3, 4)
    merge: int = 1
    positions: int = 4  # of the pretraining, a side
    painted: int = 5  # channels of the decoder

    @property
    def grid(self) -> tuple[int, int]:
        return 2 * self.size // self.patch, self.size // self.patch

    @property
    def config(self) -> dict:
        """The same sizes in transformers' words."""
        return dict(
            hidden_size=self.width,
            num_hidden_layers=self.depth,
            num_attention_heads=self.heads,
            image_size=(2 * self.size, self.size),
            patch_size=self.patch,
            pretrain_image_size=self.positions * self.patch,
            decoder_hidden_size=self.painted,
            drop_path_rate=0.0,
            merge_index=self.merge,
            intermediate_hidden_state_indices=list(self.levels),
        )


def published_weights(sizes: Sizes, seed: int = 0) -> Weights:
    """Random weights under the authors' names; large enough that every one of them can be seen in the result."""
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in published_shapes(sizes).items()}


def published_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """The authors' names of all weights, and their shapes."""
    width, painted, (rows, columns) = sizes.width, sizes.painted, sizes.grid
    head = width // sizes.heads
    tokens = ('mask_token', 'segment_token_x', 'segment_token_y', 'type_token_cls', 'type_token_ins')
    shapes = dict.fromkeys(tokens, (1, 1, 1, width))
    shapes |= {'pos_embed': (1, sizes.positions**2 + 1, width)}
    shapes |= _affine('patch_embed.proj', width, 3, sizes.patch, sizes.patch)
    for block in (f'blocks.{index}.' for index in range(sizes.depth)):
        shapes |= _affine(f'{block}norm1', width) | _affine(f'{block}norm2', width)
        shapes |= _affine(f'{block}attn.qkv', 3 * width, width) | _affine(f'{block}attn.proj', width, width)
        shapes |= {
            f'{block}attn.rel_pos_h': (2 * rows - 1, head),
            f'{block}attn.rel_pos_w': (2 * columns - 1, head),
        }
        shapes |= _affine(f'{block}mlp.fc1', 4 * width, width) | _affine(f'{block}mlp.fc2', width, 4 * width)
    shapes |= _affine('norm', width)
    shapes |= _affine('decoder_embed', sizes.patch**2 * painted, width * len(sizes.levels))
    shapes |= _affine('decoder_pred.0', painted, painted, 3, 3) | _affine('decoder_pred.1', painted)
    shapes |= _affine('decoder_pred.3', 3, painted, 1, 1)
    return shapes


def _affine(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def paint(
    weights: Weights,
    sizes: Sizes,
    images: Tensor,
    targets: Tensor,
    masked: Tensor,
    instance: bool = False,
    ensemble: bool = False,
) -> Tensor:
    """The painted masks (k, 3, 2S, S) of images and masks (k, 3, 2S, S), each a prompt above a query.

    ``ensemble``: all k rows are of one query, whose features they share. ``masked`` is (k, L) bool.
    """
    image, mask = _embed(weights, sizes, images, targets, masked, instance)
    levels = []
    for index in range(sizes.depth):
        block = {
            name.split('.', 2)[2]: value for name, value in weights.items() if name.startswith(f'blocks.{index}.')
        }
        image = _block(block, sizes, image, ensemble)
        if index < sizes.merge:
            mask = _block(block, sizes, mask, ensemble)
        if index == sizes.merge:
            image = (image + _block(block, sizes, mask, ensemble)) / 2
        if index in sizes.levels:
            levels.append(_normed(weights, 'norm', image))
    return _decode(weights, sizes, torch.cat(levels, dim=-1))


def _embed(
    weights: Weights, sizes: Sizes, images: Tensor, targets: Tensor, masked: Tensor, instance: bool
) -> tuple[Tensor, Tensor]:
    rows, columns = sizes.grid
    kernel, bias = weights['patch_embed.proj.weight'], weights['patch_embed.proj.bias']
    image, mask = (F.conv2d(part, kernel, bias, stride=sizes.patch).movedim(1, -1) for part in (images, targets))
    hidden = masked.view(-1, rows, columns, 1)
    mask = torch.where(hidden, weights['mask_token'], mask)
    square = weights['pos_embed'][0, 1:].T.reshape(1, -1, sizes.positions, sizes.positions)
    places = F.interpolate(square, size=(rows, columns), mode='bicubic', align_corners=False).movedim(1, -1)
    shared = places + weights['type_token_ins' if instance else 'type_token_cls']
    return image + weights['segment_token_x'] + shared, mask + weights['segment_token_y'] + shared


def _block(weights: Weights, sizes: Sizes, tokens: Tensor, ensemble: bool) -> Tensor:
    attended = _attention(weights, sizes, _normed(weights, 'norm1', tokens))
    if ensemble:
        below = attended.shape[1] // 2
        attended = torch.cat(
            [attended[:, :below], attended[:, below:].mean(0, keepdim=True).expand_as(attended[:, below:])], dim=1
        )
    tokens = tokens + attended
    inner = F.gelu(_linear(weights, 'mlp.fc1', _normed(weights, 'norm2', tokens)))
    return tokens + _linear(weights, 'mlp.fc2', inner)


def _attention(weights: Weights, sizes: Sizes, tokens: Tensor) -> Tensor:
    """Attention of every token to every other, with a term for the rows and one for the columns between them."""
    (rows, columns), head = sizes.grid, sizes.width // sizes.heads
    qkv = _linear(weights, 'attn.qkv', tokens).flatten(1, 2)
    row, column = torch.arange(rows * columns) // columns, torch.arange(rows * columns) % columns
    between_rows = weights['attn.rel_pos_h'][row[:, None] - row + rows - 1]
    between_columns = weights['attn.rel_pos_w'][column[:, None] - column + columns - 1]
    heads = []
    for index in range(sizes.heads):
        query, key, value = (
            qkv[..., start + index * head : start + (index + 1) * head]
            for start in (0, sizes.width, 2 * sizes.width)
        )
        scores = query @ key.mT / head**0.5
        scores = scores + torch.einsum('bqc,qkc->bqk', query, between_rows + between_columns)
        heads.append(scores.softmax(-1) @ value)
    return _linear(weights, 'attn.proj', torch.cat(heads, dim=-1)).unflatten(1, (rows, columns))


def _decode(weights: Weights, sizes: Sizes, features: Tensor) -> Tensor:
    """Every token becomes a square of pixels, (row, column, channel) inside it; then two convolutions."""
    (rows, columns), patch = sizes.grid, sizes.patch
    squares = _linear(weights, 'decoder_embed', features).view(-1, rows, columns, patch, patch, sizes.painted)
    pixels = squares.permute(0, 5, 1, 3, 2, 4).reshape(-1, sizes.painted, rows * patch, columns * patch)
    pixels = F.conv2d(pixels, weights['decoder_pred.0.weight'], weights['decoder_pred.0.bias'], padding=1)
    pixels = F.gelu(_normed(weights, 'decoder_pred.1', pixels.movedim(1, -1)))
    return F.conv2d(pixels.movedim(-1, 1), weights['decoder_pred.3.weight'], weights['decoder_pred.3.bias'])


def _linear(weights: Weights, name: str, inputs: Tensor) -> Tensor:
    return inputs @ weights[f'{name}.weight'].T + weights[f'{name}.bias']


def _normed(weights: Weights, name: str, inputs: Tensor) -> Tensor:
    centred = inputs - inputs.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    return centred / scale * weights[f'{name}.weight'] + weights[f'{name}.bias']

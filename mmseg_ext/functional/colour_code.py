"""Classes as colours, and back: how a network that paints images is told what to segment.

Colours are RGB in 0..255. A palette is (C, 3), a row a class; ignored pixels are painted as class 0 and must be
left out of whatever is computed from them.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from mmseg_ext.functional.masking import in_range_label

CANDIDATES = 64  # colours drawn for a class, of which the first that is far enough is taken
STARTS = 50  # palettes begun before the search is given up
BLACK = (0, 0, 0)

Colour = Sequence[float]


def random_palette(
    num_classes: int,
    generator: torch.Generator | None = None,
    background: Colour | None = BLACK,
    min_distance: float = 100.0,
) -> Tensor:
    """Random colours (C, 3) float32, each at least ``min_distance`` (L2) from all others.

    Class 0 is ``background``, or random too where that is None. Colours are drawn evenly and refused when too near
    to those before; a palette that leaves no room for its next colour is begun anew. ValueError when the bound on
    new beginnings is reached.
    """
    for _ in range(STARTS):
        palette = _begun_palette(num_classes, generator, background, min_distance)
        if palette is not None:
            return palette
    raise ValueError(
        f'palette: no room for {num_classes} random colours {min_distance:g} apart; lower palette.min_distance'
    )


def _begun_palette(
    num_classes: int, generator: torch.Generator | None, background: Colour | None, min_distance: float
) -> Tensor | None:
    chosen = torch.tensor([] if background is None else [background], dtype=torch.float32).reshape(-1, 3)
    while len(chosen) < num_classes:
        drawn = torch.randint(0, 256, (CANDIDATES, 3), generator=generator).float()
        far = (torch.cdist(drawn, chosen) >= min_distance).all(1).nonzero()
        if not len(far):
            return None
        chosen = torch.cat([chosen, drawn[far[0]]])
    return chosen


def spread_palette(num_classes: int, background: Colour = BLACK) -> Tensor:
    """Fixed colours (C, 3) float32 far apart: white after black, the corners of the cube up to eight classes.

    Each is the one farthest from all before it, of the coarsest even grid that has as many colours as classes.
    """
    side = next(side for side in itertools.count(2) if side**3 >= num_classes)
    levels = torch.linspace(0, 255, side).round()
    candidates = torch.cartesian_prod(levels, levels, levels)
    chosen = torch.tensor([background], dtype=torch.float32)
    while len(chosen) < num_classes:
        farthest = torch.cdist(candidates, chosen).amin(1).argmax()
        chosen = torch.cat([chosen, candidates[farthest][None]])
    return chosen


def check_palette(palette: Tensor, num_classes: int, min_distance: float = 1.0) -> None:
    """ValueError unless ``palette`` has a colour in 0..255 for each class, all ``min_distance`` (L2) apart."""
    if tuple(palette.shape) != (num_classes, 3):
        raise ValueError(f'palette: {num_classes} classes need as many RGB colours, got {palette.tolist()}')
    if palette.amin() < 0 or palette.amax() > 255:
        raise ValueError(f'palette: colours are three numbers from 0 to 255, got {palette.tolist()}')
    distance = torch.cdist(palette.float(), palette.float()).fill_diagonal_(torch.inf)
    first, second = divmod(int(distance.argmin()), num_classes)
    if distance[first, second] < min_distance:
        raise ValueError(
            f'palette: classes {first} and {second} have colours {palette[first].tolist()} and '
            f'{palette[second].tolist()}, {distance[first, second]:.0f} apart; take colours at least '
            f'{min_distance:g} apart, or leave palette.fixed out'
        )


def colourise(label: Tensor, palette: Tensor, ignore_index: int = 255) -> Tensor:
    """Paint ``label`` (N, H, W) with a ``palette`` (N, C, 3) each: (N, 3, H, W) of the palette's type.

    Ignored pixels get the colour of class 0. A label outside the classes is an IndexError (on a GPU an assertion).
    """
    index = in_range_label(label.long(), ignore_index)
    sample = torch.arange(len(label), device=label.device)[:, None, None]
    return palette[sample, index].permute(0, 3, 1, 2)


def colour_logits(image: Tensor, palette: Tensor, deviation: float = 0.25) -> Tensor:
    """Logits (N, C, H, W) of an ``image`` (N, 3, H, W) in 0..255 painted with a ``palette`` (N, C, 3).

    The logit of a class is ``-d^2 / (2 s^2)``, d the distance (L2) of the pixel to the colour of the class: the
    largest is that of the nearest colour, and the softmax is what normal noise of deviation s around the colours
    makes of them. s is ``deviation`` times the distance between the two nearest colours of the palette, so that
    probabilities do not depend on how far apart colours happen to be: a pixel that has the colour of one of two
    classes is that class with probability 1 / (1 + exp(-1 / (2 deviation^2))), 0.9997 at 0.25.
    """
    image, palette = image.float(), palette.float()
    squares = (image.unsqueeze(1) - palette[..., None, None]).square().sum(2)
    return squares / (-2 * (deviation * least_distance(palette)).square())[:, None, None, None]


def least_distance(palette: Tensor) -> Tensor:
    """(N,): the distance between the two nearest colours of each palette (N, C, 3), C >= 2."""
    between = (palette.unsqueeze(1) - palette.unsqueeze(2)).square().sum(-1)
    same = torch.eye(palette.shape[1], dtype=torch.bool, device=palette.device)
    return between.masked_fill(same, torch.inf).flatten(1).amin(1).sqrt()

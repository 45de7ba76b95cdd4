"""Put our attention into a UNet and take it out again; say which layers there are."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from augment.attention.control import EditControl, self_limit
from augment.attention.processors import ControlProcessor, ResidualProcessor
from augment.config.settings import ControlSettings, RLISettings
from augment.sdxl.upstream import UNet2DConditionModel

KINDS = {'attn1': 'self', 'attn2': 'cross'}


@dataclass(frozen=True)
class LayerInfo:
    """One attention layer: ``place`` is 'up.self' and so on, ``tokens`` how many positions ask, ``controlled``
    whether an edit replaces its attention inside the windows."""

    name: str
    place: str
    tokens: int
    controlled: bool


@contextmanager
def installed(
    unet: UNet2DConditionModel, rli: RLISettings, control: EditControl | None = None
) -> Iterator[UNet2DConditionModel]:
    """Run ``unet`` with residual linear interpolation and the control of an edit, then as before.

    May be nested, and left by an exception. Without ``control`` the layers can be compiled: nothing in them
    changes from call to call. With it, compiled layers run uncompiled meanwhile.
    """
    before = dict(unet.attn_processors)
    processors = {name: _processor(place_of(name), rli, control) for name in before}
    try:
        unet.set_attn_processor(processors)
        with nullcontext() if control is None else torch.compiler.set_stance('force_eager'):
            yield unet
    finally:
        unet.set_attn_processor(before)


def _processor(place: str, rli: RLISettings, control: EditControl | None) -> ResidualProcessor:
    alpha = rli.alpha if place in rli.where else 0.0
    return ResidualProcessor(alpha) if control is None else ControlProcessor(place, alpha, control)


def place_of(name: str) -> str:
    """'up.self' of 'up_blocks.0.attentions.1.transformer_blocks.2.attn1.processor', and so on."""
    part, kind = re.match(r'(down|mid|up)_block.*\.(attn[12])\b', name).groups()
    return f'{part}.{KINDS[kind]}'


def layers(
    unet: UNet2DConditionModel | Mapping[str, Any],
    latent_size: tuple[int, int],
    settings: ControlSettings | None = None,
) -> list[LayerInfo]:
    """The attention layers of a UNet, or of a UNet's configuration without any weights, for latents of (h, w)."""
    if isinstance(unet, Mapping):
        with torch.device('meta'):
            unet = UNet2DConditionModel.from_config(unet)
    limit = self_limit(settings or ControlSettings(), latent_size)
    found = []
    for name in (name.removesuffix('.processor') for name in unet.attn_processors):
        place, tokens = place_of(name), _tokens(name, len(unet.config.down_block_types), latent_size)
        found.append(LayerInfo(name, place, tokens, place.endswith('.cross') or tokens <= limit))
    return found


def _tokens(name: str, levels: int, latent_size: tuple[int, int]) -> int:
    """Positions of a layer: each level of the UNet has half the sides of the one above it, rounded up."""
    block = re.match(r'(down|up)_blocks\.(\d+)', name)
    part, number = block.groups() if block else ('mid', 0)
    level = int(number) if part == 'down' else levels - 1 - int(number)
    height, width = (-(-side // 2**level) for side in latent_size)
    return height * width

"""What passes through a UNet, counted; and photographs and models to count with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from augment_reference import invert_plainly

from augment.attention.install import installed
from augment.config.settings import EditSettings
from augment.inversion.methods import invert
from augment.sdxl.conditioning import Conditioning, encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.latents import encode_images
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tiny import tiny_sdxl

FROZEN, TRAINABLE = 1.11, 2.0


@dataclass
class Count:
    """Rows that went through the UNet, and rows that gradients came back through."""

    forward: int = 0
    backward: int = 0

    def equivalents(self, backward: float = FROZEN) -> float:
        """In forwards of one row, a backward pass being so many."""
        return self.forward + backward * self.backward


@contextmanager
def counted(unet: torch.nn.Module) -> Iterator[Count]:
    """Count what passes through ``unet``; gradients when they arrive, not when they might."""
    count = Count()

    def arrived(gradient: torch.Tensor) -> None:
        count.backward += len(gradient)

    def passed(module: torch.nn.Module, args: tuple, output) -> None:
        sample = output[0] if isinstance(output, tuple) else output.sample
        count.forward += len(sample)
        if sample.requires_grad:
            sample.register_hook(arrived)

    hook = unet.register_forward_hook(passed)
    try:
        yield count
    finally:
        hook.remove()


def photograph(seed: int, size: int) -> np.ndarray:
    """A grey surface with a gradient, grain and a dark stroke, uint8 (size, size, 3)."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    surface = 150 + 60 * generator.random() * rows + 40 * generator.random() * columns
    stroke = np.abs(rows - generator.uniform(0.3, 0.7) - 0.3 * generator.random() * np.sin(6 * columns)) < 0.02
    pixels = np.where(stroke, 40, surface)[..., None] + generator.normal(0, 8, (size, size, 3))
    return pixels.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Comparison:
    """Cost and error of the plain algorithm and of ours, on one photograph."""

    plain: Count
    plain_error: float
    ours: Count
    our_error: float

    def ratio(self, backward: float = FROZEN) -> float:
        """Our cost as a share of the plain one."""
        return self.ours.equivalents(backward) / self.plain.equivalents(backward)


def compare(seed: int, settings: EditSettings, size: int = 128) -> Comparison:
    """Both inversions of one photograph with the tiny model of ``seed``, residual interpolation in place."""
    pipe = tiny_sdxl(seed)
    z0 = encode_images(pipe, photograph(seed, size)[None])
    cond, empty = encode(pipe, [settings.source_prompt]), encode(pipe, [''])
    denoiser = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, settings.steps), (size, size))
    with installed(pipe.unet, settings.rli):
        with counted(pipe.unet) as plain:
            there = invert_plainly(pipe, z0, *pairs(cond, empty), settings.guidance, settings.steps)
        with counted(pipe.unet) as ours:
            here = invert(denoiser, z0, cond, empty, settings)[0]
    return Comparison(plain, _error(there.end, z0[0]), ours, _error(here.reconstruction, z0[0]))


def pairs(*conds: Conditioning) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Both tensors of each, as the plain algorithm takes them."""
    return [(cond.seq, cond.pooled) for cond in conds]


def _error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return (found - wanted).square().mean().item()

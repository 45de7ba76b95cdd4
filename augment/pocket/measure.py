"""What the trained parts can do, in figures: on windows that they were not trained on."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from augment.pocket.train_unet import NoiseLoss
from augment.quality.similarity import psnr
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.upstream import StableDiffusionXLPipeline

T = TypeVar('T')
ROUNDS = 4  # noise levels at which each latent is asked


def shown(items: Sequence[T], what: str) -> Iterable[T]:
    """``items`` with a bar on stderr while they are worked off, where somebody looks at a terminal."""
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


def round_trip(pipe: StableDiffusionXLPipeline, images: np.ndarray) -> list[float]:
    """PSNR in dB of each of ``images`` (N, S, S, 3) after encoder and decoder, as an edit runs them."""
    decoded = decode_latents(pipe, encode_images(pipe, images))
    return [psnr(before, after) for before, after in zip(images, decoded, strict=True)]


@torch.no_grad()
def noise_loss(loss: NoiseLoss, seed: int = 0, batch: int = 64) -> float:
    """The unweighted squared error of the noise in all latents of ``loss``, at levels spread evenly; 1: it finds
    nothing."""
    latents, captions = loss.latents[0], loss.prompts.of_window
    generator = torch.Generator().manual_seed(seed)
    errors = []
    for start in range(0, len(latents) * ROUNDS, batch):
        rows = torch.arange(start, min(start + batch, len(latents) * ROUNDS))
        levels = (rows * len(loss.alphas)) // (len(latents) * ROUNDS)
        which = rows % len(latents)
        noise = torch.randn(len(rows), *latents.shape[1:], generator=generator)
        errors.append(len(rows) * loss.of(latents[which], captions[which], levels, noise, weighted=False).item())
    return sum(errors) / (len(latents) * ROUNDS)


def draw(
    pipe: StableDiffusionXLPipeline, prompts: Sequence[str], seed: int = 0, steps: int = 30, guidance: float = 5.0
) -> np.ndarray:
    """An image for each prompt, (N, S, S, 3) uint8, as the pipeline itself draws all of them from the noise of
    ``seed``."""
    shape = (1, 4, pipe.unet.config.sample_size, pipe.unet.config.sample_size)
    noise: Tensor = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    drawn = pipe(
        list(prompts),
        negative_prompt=[''] * len(prompts),
        latents=noise.repeat(len(prompts), 1, 1, 1),
        num_inference_steps=steps,
        guidance_scale=guidance,
        output_type='np',
    ).images
    return (drawn * 255).round().astype(np.uint8)

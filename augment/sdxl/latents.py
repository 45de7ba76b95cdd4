"""Photographs to latents and back, in float32: SDXL's autoencoder overflows in half precision."""

import numpy as np
import torch
from torch import Tensor

from augment.errors import NonFiniteError, UsageError
from augment.sdxl.placing import resident
from augment.sdxl.upstream import AutoencoderKL, StableDiffusionXLPipeline


@torch.no_grad()
def encode_images(pipe: StableDiffusionXLPipeline, images: np.ndarray) -> Tensor:
    """Latents (N, 4, H/8, W/8) of RGB photographs (N, H, W, 3), uint8: the posterior's mode, scaled, float32.

    One image at a time: the result does not depend on its neighbours, and memory not on their number.
    """
    images = np.asarray(images)
    factor = pipe.vae_scale_factor
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise UsageError(f'images: expected uint8 (N, H, W, 3), got {images.dtype} {images.shape}')
    if images.shape[1] % factor or images.shape[2] % factor:
        raise UsageError(f'images: {images.shape[1]} x {images.shape[2]} is no multiple of {factor} pixels')
    with resident(pipe.vae) as device:
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(device).float() / 127.5 - 1
        modes = [_float32(pipe).encode(one[None]).latent_dist.mode() for one in pixels]
    return _finite(torch.cat(modes) * pipe.vae.config.scaling_factor, 'encoder')


@torch.no_grad()
def decode_latents(pipe: StableDiffusionXLPipeline, z: Tensor) -> np.ndarray:
    """RGB images (N, 8h, 8w, 3), uint8, of latents (N, 4, h, w), one at a time."""
    with resident(pipe.vae) as device:
        unscaled = z.to(device, torch.float32) / pipe.vae.config.scaling_factor
        decoded = torch.cat([_float32(pipe).decode(one[None]).sample for one in unscaled])
    pixels = ((_finite(decoded, 'decoder') + 1) * 127.5).round().clamp(0, 255)
    return pixels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


def _float32(pipe: StableDiffusionXLPipeline) -> AutoencoderKL:
    return pipe.vae if pipe.vae.dtype == torch.float32 else pipe.vae.to(torch.float32)


def _finite(tensor: Tensor, part: str) -> Tensor:
    if not torch.isfinite(tensor).all():
        raise NonFiniteError(f"the autoencoder's {part} gave NaN or infinite values")
    return tensor

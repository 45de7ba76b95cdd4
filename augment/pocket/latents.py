"""All windows as latents, encoded once: the UNet's training never sees a pixel."""

from collections.abc import Iterable
from pathlib import Path

import torch
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import Tensor

from augment.files import replacing
from augment.pocket.data import Windows
from augment.pocket.train_vae import to_pixels
from augment.sdxl.upstream import AutoencoderKL

BATCH = 16
LONG = 20  # batches that take so long that a bar is shown


def training_latents(vae: AutoencoderKL, windows: Windows, path: Path) -> Tensor:
    """Unscaled latents (2, N, 4, S/4, S/4) float32 of all windows, as they are and mirrored.

    They are kept in ``path``, in half precision, and read from there the next time.
    """
    if not path.is_file():
        latents = torch.stack([encode_windows(vae, windows, mirrored) for mirrored in (False, True)])
        with replacing(path) as partial:
            save_file({'latents': latents.half().contiguous()}, partial)
    return load_file(path)['latents'].float()


@torch.no_grad()
def encode_windows(vae: AutoencoderKL, windows: Windows, mirrored: bool = False) -> Tensor:
    """Unscaled latents (N, 4, S/4, S/4) float32 of all windows, the posterior's mode, on the CPU.

    ``mirrored``: of the windows as in a mirror, which are not the latents mirrored.
    """
    found = []
    for start in _shown(range(0, len(windows), BATCH)):
        images = windows.images[start : start + BATCH]
        pixels = to_pixels(torch.from_numpy((images[:, :, ::-1] if mirrored else images).copy()))
        found.append(vae.encode(pixels.to(vae.device)).latent_dist.mode().float().cpu())
    return torch.cat(found) if found else torch.empty(0, 4, windows.size // 4, windows.size // 4)


def _shown(starts: range) -> Iterable[int]:
    return track(starts, 'encoding', transient=True, disable=len(starts) < LONG)

"""The autoencoder: what it is trained on, what it loses, and how its latents are brought to unit variance."""

import torch
import torch.nn.functional as F
from torch import Tensor

from augment.pocket.data import Windows
from augment.pocket.settings import TrainSettings
from augment.sdxl.upstream import AutoencoderKL


def to_pixels(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) as float (N, 3, H, W) in -1..1, channels last in memory."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def random_crops(windows: Windows, batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Squares of ``side`` pixels at random places of random windows, half of them mirrored, as pixels."""
    side = min(side, windows.size)
    draw = torch.randint(1 << 30, (batch, 4), generator=generator)
    free = windows.size - side + 1
    crops = []
    for which, top, left, mirror in draw.tolist():
        image = windows.images[which % len(windows)][top % free :][:side, left % free :][:, :side]
        crops.append(torch.from_numpy((image[:, ::-1] if mirror % 2 else image).copy()))
    return to_pixels(torch.stack(crops))


def edge_loss(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of the differences between neighbours, down and across; 0-d."""
    return sum(F.l1_loss(a.diff(dim=dim), b.diff(dim=dim)) for dim in (-2, -1))


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence from the unit normal, mean over all latents; 0-d."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()


class VAELoss:
    """L1, edges and a little divergence of a batch of crops (Kingma & Welling 2014; LDM, Rombach et al. 2022)."""

    def __init__(self, vae: AutoencoderKL, windows: Windows, settings: TrainSettings) -> None:
        self.vae, self.windows, self.settings = vae, windows, settings

    def __call__(self, generator: torch.Generator) -> Tensor:
        settings = self.settings
        pixels = random_crops(self.windows, settings.vae.batch, settings.crop, generator)
        noise = torch.randn(len(pixels), 4, *(side // 4 for side in pixels.shape[2:]), generator=generator)
        device = self.vae.device
        pixels = pixels.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == 'cuda'):
            posterior = self.vae.encode(pixels).latent_dist
            decoded = self.vae.decode(posterior.mean + posterior.std * noise.to(device)).sample.float()
        loss = F.l1_loss(decoded, pixels) + settings.edge * edge_loss(decoded, pixels)
        return loss + settings.kl * divergence(posterior.mean.float(), posterior.logvar.float())


@torch.no_grad()
def normalise(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Centre ``vae``'s latents and measure their scaling factor; the given ones, so centred and scaled.

    ``latents`` (N, 4, h, w) are what ``vae`` gives for its images. The mean of each channel moves into the 1 x 1
    convolutions around them, which changes no reconstruction, and the factor that makes their deviation one into
    the configuration. Diffusion ends near the unit normal, where every drawing begins: latents that are not
    centred would begin off their mean.
    """
    mean = latents.mean((0, 2, 3), dtype=torch.float64).float()
    centred = latents - mean[:, None, None]
    mean = mean.to(vae.device)
    vae.quant_conv.bias[: len(mean)] -= mean
    vae.post_quant_conv.bias += vae.post_quant_conv.weight[:, :, 0, 0] @ mean
    factor = 1 / centred.std().item()
    vae.register_to_config(scaling_factor=factor)
    return centred * factor

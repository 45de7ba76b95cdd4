"""UNet and text encoders: noise of every level is to be found in latents, given their caption or none."""

from dataclasses import dataclass

import torch
from torch import Tensor

from augment.pocket.networks import Painter
from augment.pocket.settings import TrainSettings
from augment.pocket.tokenizers import prompt_ids
from augment.sdxl.schedule import ddim_scheduler
from augment.sdxl.tiny import SCHEDULE
from augment.sdxl.upstream import CLIPTokenizer, DDIMScheduler


def pocket_scheduler() -> DDIMScheduler:
    """DDIM with the noise schedule of SDXL, predicting noise."""
    return ddim_scheduler({**SCHEDULE, 'prediction_type': 'epsilon'})


def min_snr_weight(alphas: Tensor, gamma: float) -> Tensor:
    """Weight of the noise's squared error at cumulated ``alphas``: min(SNR, gamma) / SNR, or 1 where gamma is 0.

    Hang et al. 2023: levels that hardly hide the image do not outvote those where it is decided what is drawn.
    """
    snr = alphas / (1 - alphas)
    return snr.clamp(max=gamma) / snr if gamma else torch.ones_like(snr)


@dataclass(frozen=True, eq=False)
class Prompts:
    """All different captions as token ids of both tokenizers (U, 77), the empty one first, and which window has
    which, (N,)."""

    ids: Tensor
    ids_2: Tensor
    of_window: Tensor

    @classmethod
    def build(cls, tokenizers: tuple[CLIPTokenizer, CLIPTokenizer], captions: tuple[str, ...]) -> 'Prompts':
        """From a caption for each window."""
        different = ['', *sorted({*captions} - {''})]
        number = {caption: k for k, caption in enumerate(different)}
        ids = (prompt_ids(tokenizer, different) for tokenizer in tokenizers)
        return cls(*ids, torch.tensor([number[caption] for caption in captions]))


class NoiseLoss:
    """Weighted squared error of the predicted noise in a batch of latents.

    Args:
        painter: On its device.
        latents: Scaled, (V, N, 4, h, w): V versions of each of N windows (as they are, mirrored).
        prompts: Their captions.
        settings: Batch, dropout, weights.
    """

    def __init__(self, painter: Painter, latents: Tensor, prompts: Prompts, settings: TrainSettings) -> None:
        self.painter, self.latents, self.prompts, self.settings = painter, latents, prompts, settings
        self.device = painter.unet.device
        self.bf16 = self.device.type == 'cuda' or settings.bf16
        self.alphas = pocket_scheduler().alphas_cumprod
        self.ids, self.ids_2 = prompts.ids.to(self.device), prompts.ids_2.to(self.device)

    def __call__(self, generator: torch.Generator) -> Tensor:
        versions, windows = self.latents.shape[:2]
        batch = self.settings.unet.batch
        which = torch.randint(windows, (batch,), generator=generator)
        clean = self.latents[torch.randint(versions, (batch,), generator=generator), which]
        timesteps = torch.randint(len(self.alphas), (batch,), generator=generator)
        noise = torch.randn(clean.shape, generator=generator)
        kept, told = torch.rand(2, batch, generator=generator)
        captions = self.prompts.of_window[which] * (kept >= self.settings.dropout)
        pooled = captions * (told >= self.settings.pooled_dropout)
        return self.of(clean, captions, timesteps, noise, pooled)

    def of(
        self,
        clean: Tensor,
        captions: Tensor,
        timesteps: Tensor,
        noise: Tensor,
        pooled_captions: Tensor | None = None,
        weighted: bool = True,
    ) -> Tensor:
        """The loss of latents ``clean`` (B, 4, h, w) with these captions, levels and noise; 0-d.

        ``pooled_captions``: what the pooled embedding tells, where that is something else.
        """
        alphas = self.alphas[timesteps]
        a = alphas[:, None, None, None]
        noisy = (a.sqrt() * clean + (1 - a).sqrt() * noise).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            seq, pooled = self._encode(captions, captions if pooled_captions is None else pooled_captions)
            found = self.painter(noisy, timesteps.to(self.device), seq, pooled).float()
        errors = (found - noise.to(self.device)).square().mean((1, 2, 3))
        weights = min_snr_weight(alphas, self.settings.min_snr if weighted else 0)
        return (errors * weights.to(self.device)).mean()

    def _encode(self, captions: Tensor, pooled_captions: Tensor) -> tuple[Tensor, Tensor]:
        """Each caption of the batch once through the encoders, then to every row that has it."""
        different, rows = torch.stack([captions, pooled_captions]).unique(return_inverse=True)
        seq, pooled = self.painter.encode(self.ids[different], self.ids_2[different])
        rows, pooled_rows = rows.to(self.device)
        return seq[rows], pooled[pooled_rows]

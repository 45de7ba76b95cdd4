"""One question to the UNet: which noise is in these latents?"""

import torch
from torch import Tensor, nn

from augment.errors import NonFiniteError, UsageError
from augment.sdxl.conditioning import Conditioning
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.upstream import StableDiffusionXLPipeline


class Denoiser:
    """The noise in latents of one image size, float32 in and out, whatever precision the UNet computes in.

    Args:
        pipe: The model; its UNet is frozen and brought to ``dtype`` here, once.
        grid: The DDIM steps.
        size: (H, W) of the images in pixels, told to the model as original size, crop 0 0 and target size.
        dtype: Precision of the UNet's weights and activations.
        split_rows: At most so many rows in one call of the UNet; None: all. Rows do not see each other.
    """

    def __init__(
        self,
        pipe: StableDiffusionXLPipeline,
        grid: DDIMGrid,
        size: tuple[int, int],
        dtype: torch.dtype = torch.float32,
        split_rows: int | None = None,
    ) -> None:
        self.unet = pipe.unet.requires_grad_(False)
        if self.unet.dtype != dtype:
            nn.Module.to(
                self.unet, dtype
            )  # diffusers' own method warns of parts that stay in float32; there are none
        if split_rows is not None and split_rows < 1:
            raise UsageError(f'split_rows: {split_rows} is less than one row')
        self.grid, self.size, self.dtype, self.split_rows = grid, tuple(size), dtype, split_rows
        self.device = self.unet.device
        self._timesteps = torch.tensor(grid.timesteps, device=self.device)
        self._time_ids = torch.tensor([*self.size, 0, 0, *self.size], dtype=torch.float32, device=self.device)

    def __call__(self, z: Tensor, i: int, cond: Conditioning) -> Tensor:
        """Noise (N, 4, h, w) in latents ``z`` (N, 4, h, w) at the timestep of step i, for the N prompts ``cond``.

        Gradients reach ``z`` and ``cond``, never the weights. Raises NonFiniteError when the UNet overflows.
        """
        if len(cond) != len(z):
            raise ValueError(f'{len(z)} latents need as many rows of conditioning, got {len(cond)}')
        z, cond = z.to(self.device), cond.to(self.device)
        rows = self.split_rows or len(z)
        parts = [self._predict(z[k : k + rows], i, cond[k : k + rows]) for k in range(0, len(z), rows)]
        eps = self._noise(z, parts[0] if len(parts) == 1 else torch.cat(parts), i)
        if not torch.isfinite(eps).all():
            raise NonFiniteError(f'the UNet gave NaN or infinite values at step {i} in {self.dtype}')
        return eps

    def _predict(self, z: Tensor, i: int, cond: Conditioning) -> Tensor:
        added = {'text_embeds': cond.pooled.to(self.dtype), 'time_ids': self._time_ids.expand(len(z), -1)}
        return self.unet(
            z.to(self.dtype),
            self._timesteps[i],
            encoder_hidden_states=cond.seq.to(self.dtype),
            added_cond_kwargs=added,
            return_dict=False,
        )[0].float()

    def _noise(self, z: Tensor, prediction: Tensor, i: int) -> Tensor:
        """The noise, also from a velocity ``v = sqrt(a) eps - sqrt(1 - a) x`` (Salimans & Ho 2022)."""
        if self.grid.prediction_type == 'epsilon':
            return prediction
        alpha = self.grid.alpha_bar(i)
        return alpha**0.5 * prediction + (1 - alpha) ** 0.5 * z

"""Null-text inversion as published, for comparison: plain, one photograph at a time, nothing saved or reused.

Mokady et al. 2023 (https://arxiv.org/abs/2211.09794), carried over to SDXL by optimising both null embeddings. It
begins at the empty prompt, makes up to ten steps of Adam at each of the T steps, keeps the last embeddings
good or bad, and evaluates both prompts again for the latent to go on with. Nothing here is of the package.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

Embeddings = tuple[Tensor, Tensor]


@dataclass
class Plain:
    """Latents (T + 1, 4, h, w) from the photograph up to noise, null embeddings (T, 77, D) and (T, P), and where
    the guided steps end, (4, h, w)."""

    path: Tensor
    null: Embeddings
    end: Tensor


class Model:
    """The UNet of a pipeline, and its noise levels at T steps."""

    def __init__(self, pipe, steps: int, size: tuple[int, int]) -> None:
        self.unet, alphas = pipe.unet, pipe.scheduler.alphas_cumprod.double()
        stride = 1000 // steps
        self.timesteps = [1 + stride * (steps - 1 - i) for i in range(steps)]
        self.alphas = [*alphas[self.timesteps].tolist(), alphas[0].item()]
        self.time_ids = torch.tensor([[*size, 0, 0, *size]], dtype=torch.float32, device=pipe.unet.device)

    def noise(self, z: Tensor, i: int, embeddings: Embeddings) -> Tensor:
        """epsilon(z, t_i, embeddings) in float32, rows of all three."""
        dtype = self.unet.dtype
        seq, pooled = (tensor.to(dtype) for tensor in embeddings)
        added = {'text_embeds': pooled, 'time_ids': self.time_ids.expand(len(z), -1)}
        return self.unet(z.to(dtype), self.timesteps[i], seq, added_cond_kwargs=added).sample.float()

    def move(self, z: Tensor, eps: Tensor, start: int, end: int) -> Tensor:
        """The deterministic DDIM step between two levels."""
        before, after = self.alphas[start], self.alphas[end]
        image = (z - (1 - before) ** 0.5 * eps) / before**0.5
        return after**0.5 * image + (1 - after) ** 0.5 * eps


@torch.no_grad()
def upwards(model: Model, z0: Tensor, source: Embeddings) -> list[Tensor]:
    """DDIM inversion without guidance: [z0, ..., zT], each (1, 4, h, w)."""
    path = [z0]
    for i in reversed(range(len(model.timesteps))):
        path.append(model.move(path[-1], model.noise(path[-1], i, source), i + 1, i))
    return path


def invert_plainly(
    pipe,
    z0: Tensor,
    source: Embeddings,
    empty: Embeddings,
    guidance: float,
    steps: int = 50,
    inner_steps: int = 10,
) -> Plain:
    """Invert the latent ``z0`` (1, 4, h, w); ``source`` and ``empty`` are (1, 77, D) and (1, P), float32."""
    model = Model(pipe, steps, (8 * z0.shape[2], 8 * z0.shape[3]))
    path = upwards(model, z0, source)
    z, null, kept = path[-1], empty, []
    for i in range(steps):
        null = optimised(model, i, z, path[steps - 1 - i], source, null, guidance, inner_steps)
        kept.append(null)
        with torch.no_grad():
            both = tuple(torch.cat(pair) for pair in zip(null, source, strict=True))
            eps_u, eps_c = model.noise(torch.cat([z, z]), i, both).chunk(2)
            z = model.move(z, eps_u + guidance * (eps_c - eps_u), i, i + 1)
    nulls = tuple(torch.cat(column) for column in zip(*kept, strict=True))
    return Plain(torch.cat(path), nulls, z[0])


def optimised(
    model: Model,
    i: int,
    z: Tensor,
    target: Tensor,
    source: Embeddings,
    null: Embeddings,
    guidance: float,
    inner_steps: int,
) -> Embeddings:
    """The null embeddings of step ``i``, from those of the step before."""
    with torch.no_grad():
        eps_c = model.noise(z, i, source)
    null = tuple(tensor.detach().clone().requires_grad_() for tensor in null)
    adam = torch.optim.Adam(null, lr=1e-2 * (1 - i / (2 * len(model.timesteps))))
    for _ in range(inner_steps):
        eps_u = model.noise(z, i, null)
        loss = (model.move(z, eps_u + guidance * (eps_c - eps_u), i, i + 1) - target).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        if loss.item() < 1e-5 + i * 2e-5:
            break
    return tuple(tensor.detach() for tensor in null)

"""Inversions of small latents by the tiny model, and the way back."""

from functools import cache
from types import SimpleNamespace

import torch

from augment.config.settings import EditSettings, InversionSettings
from augment.inversion.methods import invert
from augment.sdxl.conditioning import encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tiny import tiny_sdxl

STEPS = 6


@cache
def tiny(seed=0, steps=STEPS):
    """A tiny model, its denoiser for 64 px, two latents, the source prompt and the empty one."""
    pipe = tiny_sdxl(seed)
    denoiser = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, steps), (64, 64))
    z0 = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    cond, empty = encode(pipe, ['photo of a crack']), encode(pipe, [''])
    return SimpleNamespace(pipe=pipe, denoiser=denoiser, z0=z0, cond=cond, empty=empty)


def settings(method, guidance=15.0, **changes):
    """Settings of few steps, four iterations each."""
    inversion = InversionSettings(method, **{'inner_steps': 4, **changes})
    return EditSettings(guidance=guidance, steps=STEPS, inversion=inversion)


def inverted(model, chosen, images=1, progress=None):
    """The first latents of ``model``, inverted."""
    cond = model.cond.repeat(images)
    return invert(model.denoiser, model.z0[:images], cond, model.empty, chosen, progress)


@torch.no_grad()
def replayed(model, inversion, guidance):
    """Where the guided steps lead from the noise, (4, h, w): DDIM written out with the recorded embeddings."""
    grid, z = model.denoiser.grid, inversion.noise[None]
    for i in range(len(grid)):
        eps_c = model.denoiser(z, i, inversion.cond)
        eps_u = model.denoiser(z, i, inversion.null_at(i))
        z = grid.down(z, eps_u + guidance * (eps_c - eps_u), i)
    return z[0]


def error(model, inversion, guidance=15.0):
    """Mean squared difference between the latent and its reconstruction."""
    return (replayed(model, inversion, guidance) - inversion.pivots[0]).square().mean().item()

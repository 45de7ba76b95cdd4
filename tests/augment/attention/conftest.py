"""A small edit: four rows of latents, two without a condition, then source and target."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor


@dataclass
class Batch:
    """Inputs of one call of the UNet."""

    latents: Tensor
    seq: Tensor
    pooled: Tensor

    def __call__(self, unet):
        """The UNet's prediction, (N, 4, h, w)."""
        size = 8 * torch.tensor(self.latents.shape[-2:])
        ids = torch.cat([size, torch.zeros(2), size]).expand(len(self.latents), 6)
        return unet(
            self.latents,
            501,
            encoder_hidden_states=self.seq,
            added_cond_kwargs={'text_embeds': self.pooled, 'time_ids': ids},
            return_dict=False,
        )[0]


SOURCE, TARGET = 'photo of a crack', 'photo of a crack with peeling'


@pytest.fixture
def batch(pipe):
    """Rows: '', '', 'photo of a crack', 'photo of a crack with peeling'; latents of 16 x 16, all different."""
    from augment.sdxl.conditioning import encode

    cond = encode(pipe, ['', '', SOURCE, TARGET])
    latents = torch.randn(4, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    return Batch(latents, cond.seq, cond.pooled)


@pytest.fixture
def table(pipe):
    """The token table of a prompt, by the tiny tokenizer."""
    from augment.sdxl.tokens import tokens

    return lambda prompt: tokens(pipe.tokenizer, prompt)


@pytest.fixture
def alignment(pipe):
    """Alignment from 'photo of a crack' to a target prompt."""
    from augment.attention.align import align

    def made(target=TARGET, mode='refine', equalize=None, source=SOURCE):
        return align(pipe.tokenizer, source, target, mode, equalize or {})

    return made

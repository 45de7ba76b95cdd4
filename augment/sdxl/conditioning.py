"""Prompts as the numbers that the UNet reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augment.errors import UsageError
from augment.sdxl.placing import resident
from augment.sdxl.tokens import tokens
from augment.sdxl.upstream import StableDiffusionXLPipeline


@dataclass(frozen=True, eq=False)
class Conditioning:
    """N prompts: ``seq`` (N, 77, D) for cross-attention and ``pooled`` (N, P) for the time embedding, float32."""

    seq: Tensor
    pooled: Tensor

    def __len__(self) -> int:
        return len(self.seq)

    def __getitem__(self, index: int | slice | list[int]) -> 'Conditioning':
        """The rows at ``index``; one row stays a row."""
        rows = [index] if isinstance(index, int) else index
        return Conditioning(self.seq[rows], self.pooled[rows])

    def to(self, device: torch.device | str) -> 'Conditioning':
        """The same on ``device``."""
        return Conditioning(self.seq.to(device), self.pooled.to(device))

    def repeat(self, n: int) -> 'Conditioning':
        """All rows ``n`` times over: a b a b for n = 2."""
        return Conditioning(self.seq.repeat(n, 1, 1), self.pooled.repeat(n, 1))

    def detach(self) -> 'Conditioning':
        """The same without a history of gradients."""
        return Conditioning(self.seq.detach(), self.pooled.detach())

    @staticmethod
    def cat(parts: Iterable['Conditioning']) -> 'Conditioning':
        """The rows of all parts, in order."""
        parts = list(parts)
        return Conditioning(torch.cat([part.seq for part in parts]), torch.cat([part.pooled for part in parts]))


@torch.no_grad()
def encode(pipe: StableDiffusionXLPipeline, prompts: Sequence[str]) -> Conditioning:
    """Both text encoders' penultimate layers side by side, and the pooled output of the second.

    The empty prompt is encoded like any other, where the pipeline itself would take zeros for it. Prompts go
    through one at a time, so that a prompt always yields the same bits.
    """
    return Conditioning.cat([_encode_one(pipe, prompt) for prompt in prompts])


def _encode_one(pipe: StableDiffusionXLPipeline, prompt: str) -> Conditioning:
    first, second = (tokens(tokenizer, prompt) for tokenizer in (pipe.tokenizer, pipe.tokenizer_2))
    if len(first) != len(second):
        raise UsageError(f"prompt {prompt!r}: the model's two tokenizers split it differently; leave '!' out")
    with resident(pipe.text_encoder), resident(pipe.text_encoder_2) as device:
        seq, _, pooled, _ = pipe.encode_prompt([prompt], device=device, do_classifier_free_guidance=False)
    return Conditioning(seq.float(), pooled.float())


def zeros_like(cond: Conditioning) -> Conditioning:
    """Zeros of the same shape, the other usual stand-in for the empty prompt."""
    return Conditioning(torch.zeros_like(cond.seq), torch.zeros_like(cond.pooled))

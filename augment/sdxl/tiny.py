"""A stable diffusion XL of a few thousand random weights: the same classes, no download, a CPU.

It draws nothing that anybody would recognise, but everything that can be said about shapes, steps, attention
layers, gradients and files can be said of it too. ``--model tiny-random`` takes it.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from tokenizers import pre_tokenizers

from augment.sdxl.schedule import ddim_scheduler
from augment.sdxl.tokens import LENGTH
from augment.sdxl.upstream import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

BEGIN, END = '<|startoftext|>', '<|endoftext|>'
# Whole words of the tiny vocabulary; all others, such as 'blistering', fall into several pieces.
WORDS = """
    a an and at bad clean close concrete corroded corrosion crack cracked cracks damage deep defect dent dented
    dirty fine glass image in large line long macro metal of on paint peeling photo photograph road rust rusty
    scratch scratched small spot steel stone surface texture the tile tiny top view wall white with wood
""".split()  # noqa: SIM905
# The noise schedule that stable diffusion XL was trained with.
SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule='scaled_linear', num_train_timesteps=1000)


def tiny_sdxl(seed: int = 0, prediction_type: str = 'epsilon') -> StableDiffusionXLPipeline:
    """The whole pipeline with weights drawn from ``seed``, frozen, on the CPU; images of 128 pixels.

    As in the real model the VAE shrinks by 8, and of three UNet levels the lower two have attention: 64 and 16
    tokens for 16 x 16 latents.
    """
    first, second = tokenizers()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = dict(
            unet=_unet(),
            vae=_vae(),
            text_encoder=_text_encoder(CLIPTextModel, first, 24),
            text_encoder_2=_text_encoder(CLIPTextModelWithProjection, second, 40),
        )
    for part in parts.values():
        part.requires_grad_(False).eval()
    scheduler = ddim_scheduler({**SCHEDULE, 'prediction_type': prediction_type})
    return StableDiffusionXLPipeline(
        **parts, tokenizer=first, tokenizer_2=second, scheduler=scheduler, add_watermarker=False
    )


def tokenizers(words: Iterable[str] = WORDS) -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """Two tokenizers that know ``words``; like the real ones they differ in what they pad with alone."""
    vocab, merges = vocabulary(words)
    return tuple(
        CLIPTokenizer(vocab=dict(vocab), merges=list(merges), pad_token=pad, model_max_length=LENGTH)
        for pad in (END, '!')
    )


def vocabulary(words: Iterable[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A byte-pair vocabulary in which each of ``words`` is one token: ids by piece, and merges in order.

    A word's merges come after those of the words before it, so they never change how these are split.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = []
    for word in words:
        while len(pieces := _split(word, merges)) > 1:
            merges.append((pieces[0], pieces[1]))
    ends = [letter + '</w>' for letter in letters]
    pieces = dict.fromkeys([*letters, *ends, *map(''.join, merges), BEGIN, END])
    return {piece: number for number, piece in enumerate(pieces)}, merges


def _split(word: str, merges: list[tuple[str, str]]) -> list[str]:
    pieces = [*word[:-1], word[-1] + '</w>']
    while known := [pair for pair in pairwise(pieces) if pair in merges]:
        first = min(known, key=merges.index)
        k = list(pairwise(pieces)).index(first)
        pieces[k : k + 2] = [''.join(first)]
    return pieces


def _text_encoder(kind: type, tokenizer: CLIPTokenizer, width: int) -> CLIPTextModel | CLIPTextModelWithProjection:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    encoder = kind(config)
    # Drawn wide, as trained embeddings are: otherwise all prompts would look alike to the cross-attention.
    for embedding in (module for module in encoder.modules() if isinstance(module, torch.nn.Embedding)):
        torch.nn.init.normal_(embedding.weight)
    return encoder


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'),
        up_block_types=('CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'),
        block_out_channels=(8, 16, 32),
        layers_per_block=1,
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 2, 4),
        norm_num_groups=4,
        cross_attention_dim=24 + 40,
        use_linear_projection=True,
        addition_embed_type='text_time',
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 32,
    )


def _vae() -> AutoencoderKL:
    vae = AutoencoderKL(
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=128,
        scaling_factor=0.13025,
        force_upcast=True,
    )
    # Latents of about unit variance, as a trained encoder gives them.
    torch.nn.init.normal_(vae.quant_conv.weight, std=5)
    return vae

"""The parts of the pocket model: the classes of stable diffusion XL, about 6.3 million weights in all.

The UNet has the layout of the real one: three levels, no attention on the first, self- and cross-attention on the
two below, 16 x 16 and 8 x 8 positions for the 32 x 32 latents of an image of 128 pixels. The autoencoder shrinks
by 4, not by 8: windows are small, and so are defects in them.
"""

import torch
from torch import Tensor, nn

from augment.attention.processors import ResidualProcessor
from augment.sdxl.tokens import LENGTH
from augment.sdxl.upstream import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    UNet2DConditionModel,
)

FACTOR = 4  # pixels a latent, along each side
TEXT_WIDTHS = 48, 80
POOLED = 64
TIME_WIDTH = 16  # of the encoding of each of the six sizes


class WideAttention(ResidualProcessor):
    """Attention in float32 whatever the rest computes in: in bfloat16 a CPU takes six times as long backwards."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(N, heads, tokens, d) from queries, keys and values of that shape."""
        with torch.autocast(query.device.type, enabled=False):
            return super().attend(query.float(), key.float(), value.float())


def new_vae(size: int = 128) -> AutoencoderKL:
    """An untrained autoencoder for images of ``size`` pixels; its scaling factor is measured after training.

    It has no attention: what it says of a place depends on the neighbourhood alone.
    """
    return AutoencoderKL(
        down_block_types=('DownEncoderBlock2D',) * 3,
        up_block_types=('UpDecoderBlock2D',) * 3,
        block_out_channels=(16, 32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        sample_size=size,
        scaling_factor=1.0,
        mid_block_add_attention=False,
        force_upcast=True,
    )


def new_unet(size: int = 128) -> UNet2DConditionModel:
    """An untrained UNet for images of ``size`` pixels. ``attention_head_dim`` counts heads, as in SDXL."""
    return UNet2DConditionModel(
        sample_size=size // FACTOR,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'),
        up_block_types=('CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'),
        block_out_channels=(48, 96, 128),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(3, 6, 8),
        norm_num_groups=16,
        cross_attention_dim=sum(TEXT_WIDTHS),
        use_linear_projection=True,
        addition_embed_type='text_time',
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=6 * TIME_WIDTH + POOLED,
    )


def new_text_encoders(
    tokenizers: tuple[CLIPTokenizer, CLIPTokenizer],
) -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """Both untrained text encoders. Of two layers each: SDXL reads what the last but one gives."""
    kinds = CLIPTextModel, CLIPTextModelWithProjection
    encoders = tuple(
        kind(_text_config(tokenizer, width))
        for kind, tokenizer, width in zip(kinds, tokenizers, TEXT_WIDTHS, strict=True)
    )
    # The UNet reads the encoders before their last normalisation. Words that begin as near zero as is usual would
    # all look alike to it for a large part of a short training.
    for encoder in encoders:
        nn.init.normal_(encoder.get_input_embeddings().weight)
    return encoders


def _text_config(tokenizer: CLIPTokenizer, width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=POOLED,
        num_hidden_layers=2,
        num_attention_heads=width // 16,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


class Painter(nn.Module):
    """UNet and text encoders, which are trained together: from noisy latents and token ids to the noise."""

    def __init__(self, tokenizers: tuple[CLIPTokenizer, CLIPTokenizer], size: int = 128) -> None:
        super().__init__()
        self.unet = new_unet(size)
        self.text_encoder, self.text_encoder_2 = new_text_encoders(tokenizers)
        sizes = torch.tensor([size, size, 0, 0, size, size], dtype=torch.float32)
        self.register_buffer('time_ids', sizes, persistent=False)

    def encode(self, ids: Tensor, ids_2: Tensor) -> tuple[Tensor, Tensor]:
        """What the UNet reads of token ids (N, 77) of either tokenizer: (N, 77, D) and, pooled, (N, P)."""
        first = self.text_encoder(ids, output_hidden_states=True)
        second = self.text_encoder_2(ids_2, output_hidden_states=True)
        return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1), second.text_embeds

    def forward(self, noisy: Tensor, timesteps: Tensor, seq: Tensor, pooled: Tensor) -> Tensor:
        """The noise in latents (N, 4, h, w) at ``timesteps`` (N,), given encoded prompts."""
        added = {'text_embeds': pooled, 'time_ids': self.time_ids.expand(len(noisy), -1)}
        return self.unet(noisy, timesteps, seq, added_cond_kwargs=added, return_dict=False)[0]


def count(*modules: nn.Module) -> int:
    """Number of weights."""
    return sum(weight.numel() for module in modules for weight in module.parameters())

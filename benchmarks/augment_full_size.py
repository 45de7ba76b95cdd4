"""Stable diffusion XL in its full size with random weights: nothing to download, the same arithmetic."""

import torch

from augment.sdxl.schedule import ddim_scheduler
from augment.sdxl.tiny import SCHEDULE, tokenizers
from augment.sdxl.upstream import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

# The shapes of stable-diffusion-xl-base-1.0: 2.57 billion weights.
UNET = dict(
    sample_size=128,
    down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'),
    up_block_types=('CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'),
    block_out_channels=(320, 640, 1280),
    layers_per_block=2,
    transformer_layers_per_block=(1, 2, 10),
    attention_head_dim=(5, 10, 20),
    cross_attention_dim=2048,
    use_linear_projection=True,
    addition_embed_type='text_time',
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=6 * 256 + 1280,
)
VAE = dict(
    down_block_types=('DownEncoderBlock2D',) * 4,
    up_block_types=('UpDecoderBlock2D',) * 4,
    block_out_channels=(128, 256, 512, 512),
    layers_per_block=2,
    latent_channels=4,
    sample_size=1024,
    scaling_factor=0.13025,
    force_upcast=True,
)


def full_sdxl(device: torch.device | str, seed: int = 0) -> StableDiffusionXLPipeline:
    """The pipeline on ``device``, frozen: the UNet in bf16, the VAE and the text encoders in float32.

    The text encoders have SDXL's widths and the tiny model's vocabulary, but two layers: they run once a prompt.
    """
    first, second = tokenizers()
    torch.manual_seed(seed)
    with torch.device(device):
        parts = dict(
            unet=UNet2DConditionModel(**UNET).to(torch.bfloat16),
            vae=AutoencoderKL(**VAE),
            text_encoder=CLIPTextModel(_text(first, 768, 12)),
            text_encoder_2=CLIPTextModelWithProjection(_text(second, 1280, 20)),
        )
    for part in parts.values():
        part.requires_grad_(False).eval()
    return StableDiffusionXLPipeline(
        **parts, tokenizer=first, tokenizer_2=second, scheduler=ddim_scheduler(SCHEDULE), add_watermarker=False
    )


def _text(tokenizer, width: int, heads: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=heads,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )

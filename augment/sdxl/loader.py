"""Load a stable diffusion XL as an edit needs it: frozen, its autoencoder in float32, DDIM, no watermark."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from augment.errors import UsageError
from augment.sdxl import lora, tiny
from augment.sdxl.identity import model_identity
from augment.sdxl.schedule import ddim_scheduler
from augment.sdxl.source import ModelSource, config_folder, cure, missing, resolve
from augment.sdxl.tokens import check_vocabulary
from augment.sdxl.upstream import AutoencoderKL, CLIPTokenizer, StableDiffusionXLPipeline

__all__ = ['ModelSource', 'load_pipeline', 'load_tokenizers', 'load_unet_config', 'model_identity', 'native_size']

PARTS = ('unet', 'vae', 'text_encoder', 'text_encoder_2')


def load_pipeline(
    source: ModelSource, device: torch.device | str = 'cpu', dtype: torch.dtype = torch.float32
) -> StableDiffusionXLPipeline:
    """The model of ``source`` on ``device``, its UNet in ``dtype``.

    Text encoders and autoencoder stay in float32: those run once for each prompt, this one overflows in less.
    Raises UsageError, in one line and with the command that gets it, for a model that is not there, and for one
    that is no stable diffusion XL.
    """
    pipe = _weights(source, dtype)
    if source.vae:
        pipe.register_modules(vae=_vae(source))
    if source.lora:
        lora.fuse(pipe, source)
    pipe.scheduler = ddim_scheduler(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    for part in (getattr(pipe, name) for name in PARTS):
        part.requires_grad_(False).eval()
    if pipe.unet.dtype != dtype:
        nn.Module.to(pipe.unet, dtype)
    return pipe.to(device)


def load_tokenizers(source: ModelSource) -> tuple[Any, Any]:
    """Both tokenizers, without loading weights."""
    if source.kind == 'tiny':
        return tiny.tokenizers()
    folder = config_folder(source)
    with missing(f'the tokenizer of {source.name}'):
        pair = tuple(CLIPTokenizer.from_pretrained(folder / part) for part in ('tokenizer', 'tokenizer_2'))
    for tokenizer in pair:
        check_vocabulary(tokenizer)
    return pair


def load_unet_config(source: ModelSource) -> dict[str, Any]:
    """The UNet's configuration, without weights; raises UsageError for a model that is no stable diffusion XL."""
    if source.kind == 'tiny':
        return dict(tiny.tiny_sdxl().unet.config)
    folder = config_folder(source)
    with missing(f'the configuration of {source.name}'):
        index = json.loads((folder / 'model_index.json').read_text(encoding='utf-8'))
        config = json.loads((folder / 'unet' / 'config.json').read_text(encoding='utf-8'))
    encoders = [index.get(part, [None])[0] for part in ('text_encoder', 'text_encoder_2')]
    if config.get('addition_embed_type') != 'text_time' or config.get('in_channels') != 4 or None in encoders:
        raise UsageError(f'{source.name} is no stable diffusion XL base model ({index.get("_class_name")})')
    return config


def load_factor(source: ModelSource) -> int:
    """Pixels of a latent along each side, by the autoencoder's configuration: 8, but for small models."""
    if source.kind == 'tiny':
        return tiny.tiny_sdxl().vae_scale_factor
    folder = config_folder(source)
    with missing(f'the configuration of {source.name}'):
        config = json.loads((folder / 'vae' / 'config.json').read_text(encoding='utf-8'))
        return 2 ** (len(config['block_out_channels']) - 1)


def native_size(pipe: StableDiffusionXLPipeline) -> int:
    """Side in pixels of the images that the model was trained on: 1024, and 128 for small ones."""
    return pipe.unet.config.sample_size * pipe.vae_scale_factor


def _weights(source: ModelSource, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    if source.kind == 'tiny':
        return tiny.tiny_sdxl()
    load_unet_config(source)  # refuses other models before their weights are downloaded and read
    path = resolve('model', source.name, source.offline, source.variant)
    with missing(f'model {source.name}', cure(source.name, source.variant)):
        return _from_file(path, config_folder(source)) if path.is_file() else _from_folder(path, source, dtype)


def _from_folder(folder: Path, source: ModelSource, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    _check_weights(folder, source.variant)
    # Low-rank weights are small beside those they are added to: they are added before rounding.
    precision = {'unet': torch.float32 if source.lora else dtype, 'default': torch.float32}
    return StableDiffusionXLPipeline.from_pretrained(
        folder,
        dtype=precision,
        variant=source.variant,
        use_safetensors=True,
        add_watermarker=False,
        local_files_only=True,
    )


def _check_weights(folder: Path, variant: str | None) -> None:
    """Say what diffusers would put less plainly: which part has no weights, which variants there are."""
    for part in PARTS:
        if not any((folder / part).glob('*.safetensors')):
            raise FileNotFoundError(f'no .safetensors file in {folder / part}')
    names = [file.name for file in (folder / 'unet').glob('*.safetensors')]
    there = {name.split('.')[1].split('-')[0] if name.count('.') > 1 else None for name in names}
    if variant not in there:
        choices = ' or '.join(sorted(f'--variant {name}' if name else 'no --variant' for name in there))
        raise UsageError(f'{folder} has no weights of variant {variant}: use {choices}')


def _from_file(path: Path, config: Path) -> StableDiffusionXLPipeline:
    # Always with a configuration: without one, diffusers would ask the network even when told not to.
    pipe = StableDiffusionXLPipeline.from_single_file(
        str(path), config=str(config), dtype=torch.float32, add_watermarker=False, local_files_only=True
    )
    pipe.scheduler.register_to_config(**_marks(path))
    return pipe


def _marks(path: Path) -> dict[str, Any]:
    """What a single file says of its schedule by empty tensors with these names, a custom of its makers."""
    with safe_open(path, framework='pt') as file:
        keys = set(file.keys())
    marks = {'prediction_type': 'v_prediction'} if 'v_pred' in keys else {}
    return {**marks, 'rescale_betas_zero_snr': True} if 'ztsnr' in keys else marks


def _vae(source: ModelSource) -> AutoencoderKL:
    path = resolve('VAE', source.vae, source.offline, top=True)
    options = dict(dtype=torch.float32, local_files_only=True)
    with missing(f'VAE {source.vae}', cure(source.vae, top=True)):
        if path.is_file():
            return AutoencoderKL.from_single_file(
                str(path), config=str(config_folder(source)), subfolder='vae', **options
            )
        inside = 'vae' if (path / 'vae').is_dir() else None
        return AutoencoderKL.from_pretrained(path, subfolder=inside, use_safetensors=True, **options)

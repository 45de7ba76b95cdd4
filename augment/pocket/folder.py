"""The trained parts as one folder that ``StableDiffusionXLPipeline.from_pretrained`` reads."""

import copy
import shutil
from pathlib import Path

import torch
from torch import nn

from augment.errors import UsageError
from augment.pocket.networks import Painter
from augment.pocket.train_unet import pocket_scheduler
from augment.sdxl.upstream import AutoencoderKL, CLIPTokenizer, StableDiffusionXLPipeline

PARTS = ('unet', 'vae', 'text_encoder', 'text_encoder_2')
INDEX = 'model_index.json'


def assemble(
    vae: AutoencoderKL, painter: Painter, tokenizers: tuple[CLIPTokenizer, CLIPTokenizer]
) -> StableDiffusionXLPipeline:
    """The pipeline, frozen and in evaluation, its weights rounded to what the folder will hold of them.

    An empty prompt is encoded as any other, as in training; SDXL itself would take zeros for it.
    """
    parts = dict(unet=painter.unet, text_encoder=painter.text_encoder, text_encoder_2=painter.text_encoder_2)
    for part in (vae, painter):
        part.requires_grad_(False).eval()
        for weight in part.parameters():
            weight.copy_(weight.half())
    pipe = StableDiffusionXLPipeline(
        vae=vae,
        **parts,
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        scheduler=pocket_scheduler(),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def check_free(out: Path) -> None:
    """Raise UsageError for a folder that holds something else than a model."""
    if out.exists() and not (out.is_dir() and ((out / INDEX).is_file() or not any(out.iterdir()))):
        raise UsageError(f'{out} is there and is no model: choose another --out or remove it')


def save_folder(pipe: StableDiffusionXLPipeline, out: Path) -> int:
    """Write ``pipe`` in float16 to ``out``, in place of a model that lies there; its size in bytes.

    ``pipe`` stays in float32. A crash leaves the old folder, or for a moment none, but never half a one.
    """
    check_free(out)
    partial = out.with_name(f'.{out.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    half = {name: nn.Module.to(copy.deepcopy(getattr(pipe, name)), torch.float16) for name in PARTS}
    StableDiffusionXLPipeline(**{**pipe.components, **half}, **_options(pipe)).save_pretrained(partial)
    for file in partial.rglob('*.safetensors'):
        file.chmod(0o644)  # they are written for their owner alone
    if out.exists():
        shutil.rmtree(out)
    partial.rename(out)
    return folder_bytes(out)


def _options(pipe: StableDiffusionXLPipeline) -> dict[str, bool]:
    return dict(
        force_zeros_for_empty_prompt=pipe.config.force_zeros_for_empty_prompt,
        add_watermarker=False,
    )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below ``folder``."""
    return sum(file.stat().st_size for file in folder.rglob('*') if file.is_file())

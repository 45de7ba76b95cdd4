"""What the card of a trained model says, measured and collected."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augment.config.settings import WORDS
from augment.pocket import card, measure
from augment.pocket.checkpoint import State
from augment.pocket.data import Windows
from augment.pocket.folder import PARTS, folder_bytes
from augment.pocket.latents import encode_windows
from augment.pocket.networks import Painter, count
from augment.pocket.settings import TrainSettings
from augment.pocket.tokenizers import caption_words
from augment.pocket.train_unet import NoiseLoss, Prompts
from augment.sdxl.upstream import StableDiffusionXLPipeline

ROWS = 4  # of samples
PROMPTS = ('photo of a crack', *(f'photo of a crack with {word}' for word in WORDS))


def collect(
    pipe: StableDiffusionXLPipeline,
    folder: Path,
    painter: Painter,
    settings: TrainSettings,
    windows: Windows,
    held_out: tuple[str, Windows],
    states: dict[str, State],
    device: str,
) -> card.Facts:
    """Everything in the card of ``pipe``, which lies in ``folder`` and was trained on ``windows``.

    ``held_out`` are the name of a split and its windows, on which it is measured; ``states``: how both stages
    ended.
    """
    samples = np.stack([measure.draw(pipe, PROMPTS, settings.seed + row) for row in range(ROWS)])
    values = {
        'folder': folder.name if folder.is_absolute() else folder.as_posix(),
        'megabytes': folder_bytes(folder) / 1e6,
        'weights': count(*(getattr(pipe, part) for part in PARTS)) / 1e6,
        'size': windows.size,
        'prompts': '; '.join(PROMPTS),
        'words': ', '.join(sorted(caption_words(windows.captions))),
        'commit': card.commit(),
        'device': device,
        'torch': torch.__version__,
        'seed': settings.seed,
        'settings': json.dumps(asdict(settings)),
        'windows': len(windows),
        'data': windows.digest(),
    }
    values |= _measured(pipe, painter, settings, *held_out)
    for name, state in states.items():
        values |= _trained(name, getattr(settings, name).batch, state)
    return card.Facts(values, {name: state.curve for name, state in states.items()}, samples)


def _measured(
    pipe: StableDiffusionXLPipeline, painter: Painter, settings: TrainSettings, split: str, seen: Windows
) -> dict[str, Any]:
    latents = encode_windows(pipe.vae, seen)[None] * pipe.vae.config.scaling_factor
    prompts = Prompts.build((pipe.tokenizer, pipe.tokenizer_2), seen.captions)
    noise = measure.noise_loss(NoiseLoss(painter, latents, prompts, settings))
    return dict(split=split, held_out=len(seen), noise=noise)


def _trained(name: str, batch: int, state: State) -> dict[str, Any]:
    told = {'steps': state.step, 'batch': batch, 'minutes': state.seconds / 60}
    told['loss'] = card.first_and_last(state.curve)
    return {f'{name}_{key}': value for key, value in told.items()}

"""The model card: what the model is, how it was trained, what it can do and what it cannot, with pictures."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augment.files import replacing, write_text

SAMPLES, CURVES = 'samples.png', 'curves.png'
GAP = 4  # pixels between two samples

TEXT = """---
license: apache-2.0
pipeline_tag: text-to-image
library_name: diffusers
---
# Pocket SDXL

Stable diffusion XL in {megabytes:.1f} MB: the same classes (UNet with sizes and pooled text beside the time, two
text encoders, autoencoder, DDIM), {weights:.2f} million weights, images of {size} x {size} pixels. Trained from
scratch on rendered windows of damage, for trying the editor on a laptop and for testing it on attention that was
learnt.

    pipe = StableDiffusionXLPipeline.from_pretrained('{folder}')
    pipe('photo of a crack with rust', negative_prompt='', num_inference_steps=30, guidance_scale=5).images[0]

![samples]({samples})

Columns: {prompts}. Every row begins with noise of its own.

## How it was trained

| | autoencoder | UNet and text encoders |
|---|---|---|
| steps x images | {vae_steps} x {vae_batch} | {unet_steps} x {unet_batch} |
| minutes in steps | {vae_minutes:.1f} | {unet_minutes:.1f} |
| loss, first and last mean of 20 steps | {vae_loss} | {unet_loss} |

{windows} windows of split train, as they are and mirrored; seed {seed}; commit {commit}; {device}, torch {torch}.
SHA-256 of windows and captions: `{data}`. Settings: `{settings}`.

![loss]({curves})

## What it can do

On {held_out} windows of split {split}, which it was not trained on, it finds the noise in latents with a mean
squared error of {noise:.4f} over all levels (1: nothing found).

## Measured

Not yet: `python augment/measure_pocket.py --model {folder}` measures reconstructions, the words in samples and
where attention looks for them, and says so here.

## What it cannot

It draws windows like those that it was trained on, and knows the words of their captions:
{words}.
Any other word falls into letters that it never read. Photographs are none of its business: what an edit of one
looks like says nothing about the real model.
"""


@dataclass(frozen=True)
class Facts:
    """What the card states; ``values`` are the names in its text. Curves are (step, loss)."""

    values: dict[str, Any]
    curves: dict[str, Sequence[tuple[int, float]]]
    samples: np.ndarray
    """(rows, columns, S, S, 3) uint8."""


def write_card(folder: Path, facts: Facts) -> None:
    """README.md and its two pictures in ``folder``."""
    with replacing(folder / SAMPLES) as partial:
        Image.fromarray(sheet(facts.samples)).save(partial)
    draw_curves(folder / CURVES, facts.curves)
    write_text(folder / 'README.md', TEXT.format(**facts.values, samples=SAMPLES, curves=CURVES))


def sheet(samples: np.ndarray) -> np.ndarray:
    """(rows, columns, S, S, 3) as one picture with white gaps."""
    padded = np.pad(samples, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    rows, columns, high, wide, _ = padded.shape
    return padded.transpose(0, 2, 1, 3, 4).reshape(rows * high, columns * wide, 3)[:-GAP, :-GAP]


def draw_curves(path: Path, curves: dict[str, Sequence[tuple[int, float]]]) -> None:
    """The loss of each stage over its steps, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout='constrained')
    for axes, (name, curve) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        axes.loglog(*zip(*curve, strict=True) if curve else ([], []), linewidth=1)
        axes.set(title=name, xlabel='step', ylabel='loss')
        axes.grid(alpha=0.3, which='both')
    with replacing(path) as partial:
        figure.savefig(partial, dpi=100)


def first_and_last(curve: Sequence[tuple[int, float]]) -> str:
    """``0.4012 → 0.0310``; a dash for a stage of too few steps."""
    return f'{curve[0][1]:.4f} → {curve[-1][1]:.4f}' if curve else '-'


def commit() -> str:
    """The commit of this code, with ``+`` where the code differs from it; ``unknown`` outside git."""
    options = dict(cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    try:
        head = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], **options).stdout.strip()
        changed = subprocess.run(['git', 'status', '--porcelain', '.'], **options).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return head + ('+' if changed else '')

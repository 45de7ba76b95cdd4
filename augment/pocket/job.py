"""From a folder of captioned windows to a folder with a model: both stages, and what is said about them."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from augment.config.plain import differences
from augment.config.settings import WORDS
from augment.errors import UsageError, listed
from augment.files import write_json
from augment.job.device import Place
from augment.pocket import card, measure
from augment.pocket.checkpoint import State
from augment.pocket.data import Windows, read_captions, read_windows
from augment.pocket.folder import PARTS, assemble, check_free, save_folder
from augment.pocket.latents import encode_windows
from augment.pocket.loop import Stage, train
from augment.pocket.networks import Painter, count, new_vae
from augment.pocket.settings import TrainSettings
from augment.pocket.tokenizers import caption_words, pocket_tokenizers
from augment.pocket.train_unet import NoiseLoss, Prompts
from augment.pocket.train_vae import VAELoss, normalise
from augment.sdxl.upstream import AutoencoderKL, CLIPTokenizer, StableDiffusionXLPipeline

VAE_SHARE = 0.25  # of the minutes
HELD_OUT = 200  # windows of the validation split that are measured
ROWS = 4  # of samples


@dataclass
class Job:
    """What is trained on what, where. ``minutes`` shortens both stages to fit; None: their steps decide."""

    data: Path
    out: Path
    work: Path
    settings: TrainSettings
    place: Place
    console: Console
    minutes: float | None = None

    def stage(self, name: str, module: torch.nn.Module, loss: Any, share: float) -> Stage:
        """One of the two, with its share of the time."""
        seconds = None if self.minutes is None else 60 * self.minutes * share
        own = getattr(self.settings, name)
        seed = 2 * self.settings.seed + (name == 'unet')
        return Stage(name, module, loss, own, self.work, seed, self.settings.ema, seconds, self.console)


def run(job: Job) -> StableDiffusionXLPipeline:
    """Train what is not trained yet and write the model; the pipeline, in float32.

    Raises UsageError when ``work`` belongs to a training with other settings or data.
    """
    check_free(job.out)
    lines = read_captions(job.data)
    windows = read_windows(job.data, lines, 'train')
    _check_same(job, windows)
    tokenizers = pocket_tokenizers(windows.captions)
    vae, vae_state = _vae(job, windows)
    latents = torch.stack([encode_windows(vae, windows, mirrored) for mirrored in (False, True)])
    scaled = normalise(vae, latents.flatten(0, 1)).view_as(latents)
    painter, unet_state = _painter(job, scaled, windows, tokenizers)
    pipe = assemble(vae, painter, tokenizers)
    size = save_folder(pipe, job.out)
    held_out = _held_out(job, lines)
    facts = _facts(job, pipe, painter, windows, held_out, {'vae': vae_state, 'unet': unet_state})
    card.write_card(job.out, replace(facts, values={**facts.values, 'megabytes': size / 1e6}))
    return pipe


def _check_same(job: Job, windows: Windows) -> None:
    """Note what is trained in the work folder, or compare it with what is noted there."""
    path = job.work / 'run.json'
    now = {'settings': asdict(job.settings), 'data': windows.digest()}
    if not path.is_file():
        job.work.mkdir(parents=True, exist_ok=True)
        write_json(path, now)
        return
    try:
        before = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise UsageError(f'{path}: damaged ({error}); remove {job.work} to begin anew') from error
    if changed := differences(before, now):
        raise UsageError(listed([f'{job.work} holds another training; choose another --work', *changed]))


def _vae(job: Job, windows: Windows) -> tuple[AutoencoderKL, State]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.settings.seed)
        vae = new_vae(windows.size)
    vae.to(job.place.device, memory_format=torch.channels_last)
    state = train(job.stage('vae', vae, VAELoss(vae, windows, job.settings), VAE_SHARE))
    return state.average.module.eval().requires_grad_(False), state


def _painter(
    job: Job, latents: torch.Tensor, windows: Windows, tokenizers: tuple[CLIPTokenizer, CLIPTokenizer]
) -> tuple[Painter, State]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.settings.seed)
        painter = Painter(tokenizers, windows.size)
    painter.to(job.place.device, memory_format=torch.channels_last)
    prompts = Prompts.build(tokenizers, windows.captions)
    state = train(job.stage('unet', painter, NoiseLoss(painter, latents, prompts, job.settings), 1 - VAE_SHARE))
    return state.average.module.eval().requires_grad_(False), state


def _held_out(job: Job, lines: list[dict[str, Any]]) -> tuple[str, Windows]:
    """Windows of the validation split, or of the training where there are none, with the name of their split."""
    split = 'val' if any(line['split'] == 'val' for line in lines) else 'train'
    return split, read_windows(job.data, lines, split, HELD_OUT)


def _facts(
    job: Job,
    pipe: StableDiffusionXLPipeline,
    painter: Painter,
    windows: Windows,
    held_out: tuple[str, Windows],
    states: dict[str, State],
) -> card.Facts:
    split, seen = held_out
    job.console.print(f'measuring on {len(seen)} windows of {split}, and drawing samples', highlight=False)
    decibels = measure.round_trip(pipe, seen.images)
    latents = encode_windows(pipe.vae, seen)[None] * pipe.vae.config.scaling_factor
    tokenizers = pipe.tokenizer, pipe.tokenizer_2
    loss = NoiseLoss(painter, latents, Prompts.build(tokenizers, seen.captions), job.settings)
    prompts = ['photo of a crack', *(f'photo of a crack with {word}' for word in WORDS)]
    samples = np.stack([measure.draw(pipe, prompts, job.settings.seed + row) for row in range(ROWS)])
    values = dict(
        size=windows.size,
        weights=count(*(getattr(pipe, part) for part in PARTS)) / 1e6,
        folder=job.out.as_posix() if not job.out.is_absolute() else job.out.name,
        prompts='None of the words, then ' + ', '.join(WORDS),
        windows=len(windows),
        seed=job.settings.seed,
        commit=card.commit(),
        device=job.place.name,
        torch=torch.__version__,
        data=windows.digest(),
        settings=json.dumps(asdict(job.settings)),
        split=split,
        held_out=len(seen),
        psnr=sum(decibels) / len(decibels),
        worst=min(decibels),
        noise=measure.noise_loss(loss),
        words=', '.join(sorted(caption_words(windows.captions))),
    )
    for name, state in states.items():
        own = getattr(job.settings, name)
        values |= {
            f'{name}_steps': state.step,
            f'{name}_batch': own.batch,
            f'{name}_minutes': state.seconds / 60,
            f'{name}_loss': card.first_and_last(state.curve),
        }
    return card.Facts(values, {name: state.curve for name, state in states.items()}, samples)

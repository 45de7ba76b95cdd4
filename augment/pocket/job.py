"""From a folder of captioned windows to a folder with a model: both stages, and what is said about them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from augment.config.plain import differences
from augment.errors import UsageError, listed
from augment.files import write_json
from augment.job.device import Place
from augment.pocket.card import write_card
from augment.pocket.checkpoint import State
from augment.pocket.data import Windows, read_captions, read_windows
from augment.pocket.facts import collect
from augment.pocket.folder import assemble, check_free, save_folder
from augment.pocket.latents import training_latents
from augment.pocket.loop import Stage, train
from augment.pocket.networks import Painter, WideAttention, new_vae
from augment.pocket.settings import TrainSettings
from augment.pocket.tokenizers import pocket_tokenizers
from augment.pocket.train_unet import NoiseLoss, Prompts
from augment.pocket.train_vae import VAELoss, normalise
from augment.sdxl.upstream import AutoencoderKL, CLIPTokenizer, StableDiffusionXLPipeline

VAE_SHARE = 0.25  # of the minutes
HELD_OUT = 200  # windows of the validation split that are measured


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
    latents = training_latents(vae, windows, job.work / 'latents.safetensors')
    scaled = normalise(vae, latents.flatten(0, 1)).view_as(latents)
    painter, unet_state = _painter(job, scaled, windows, tokenizers)
    pipe = assemble(vae, painter, tokenizers)
    save_folder(pipe, job.out)
    held_out = _held_out(job, lines)
    job.console.print(f'measuring on {len(held_out[1])} windows, and drawing samples', highlight=False)
    states = {'vae': vae_state, 'unet': unet_state}
    facts = collect(pipe, job.out, painter, job.settings, windows, held_out, states, job.place.name)
    write_card(job.out, facts)
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
    if job.place.is_cpu:
        painter.unet.set_attn_processor(WideAttention())
    prompts = Prompts.build(tokenizers, windows.captions)
    state = train(job.stage('unet', painter, NoiseLoss(painter, latents, prompts, job.settings), 1 - VAE_SHARE))
    return state.average.module.eval().requires_grad_(False), state


def _held_out(job: Job, lines: list[dict[str, Any]]) -> tuple[str, Windows]:
    """Windows of the validation split, or of the training where there are none, with the name of their split."""
    split = 'val' if any(line['split'] == 'val' for line in lines) else 'train'
    return split, read_windows(job.data, lines, split, HELD_OUT)

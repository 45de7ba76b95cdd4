"""Seconds and memory of inversions and edits; see augment_cost.py."""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from augment_counting import Count, counted, pairs, photograph
from augment_full_size import full_sdxl
from augment_reference import invert_plainly

from augment.attention.install import installed
from augment.config.presets import load_preset
from augment.config.settings import EditSettings
from augment.editing.editor import Editor
from augment.editing.runtime import Runtime
from augment.inversion.ddim import pivots
from augment.inversion.null_text import null_text
from augment.inversion.result import Inversion
from augment.sdxl.conditioning import Conditioning, encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.latents import encode_images
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tiny import tiny_sdxl

WORD = 'rust'


@dataclass(frozen=True)
class Timing:
    """Seconds of inversion and of edit for the whole batch, evaluations of the UNet, peak memory."""

    invert: float
    edit: float
    count: Count
    gib: float | None

    def row(self, name: str, compiled: bool, batch: int) -> str:
        """A line of the table, per photograph but for the memory."""
        total, each = self.invert + self.edit, self.count.equivalents() / batch
        memory = '-' if self.gib is None else f'{self.gib:.1f}'
        seconds = f'{total / batch:.2f} | {self.invert / batch:.2f} | {self.edit / batch:.2f}'
        costs = f'{each:.0f} | {1e3 * total / batch / each:.1f} | {memory}'
        return f'| {name} | {"yes" if compiled else "no"} | {batch} | {seconds} | {costs} |'


HEAD = """| preset | compiled | batch | s a photograph | s inversion | s edit | evaluations | ms each | peak GiB |
|---|---|---|---|---|---|---|---|---|"""


def clock(device: torch.device) -> float:
    """Seconds, once the device has done all that it was given."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()


@contextmanager
def peak_memory(device: torch.device) -> Iterator[list[float | None]]:
    """The most GiB that torch held during the block, put into the list at its end; None on a CPU."""
    peak: list[float | None] = [None]
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    yield peak
    if device.type == 'cuda':
        peak[0] = torch.cuda.max_memory_allocated(device) / 2**30


def time_editor(editor: Editor, images: list[np.ndarray]) -> Timing:
    """Invert the images together, then edit them towards one word inside the middle of each."""
    device = editor.pipe.unet.device
    with peak_memory(device) as peak, counted(editor.pipe.unet) as count:
        start = clock(device)
        inversions = editor.invert(images)
        middle = clock(device)
        editor.edit(inversions, [WORD], _regions(images))
        end = clock(device)
    return Timing(middle - start, end - middle, count, peak[0])


def time_plain(editor: Editor, image: np.ndarray) -> Timing:
    """The plain inversion of one image, then an edit of it that pins nothing."""
    pipe, settings = editor.pipe, editor.settings
    device = pipe.unet.device
    with peak_memory(device) as peak, counted(pipe.unet) as count, installed(pipe.unet, settings.rli):
        start = clock(device)
        z0 = encode_images(pipe, image[None]).to(device)
        cond, empty = (encode(pipe, [prompt]).to(device) for prompt in (settings.source_prompt, ''))
        plain = invert_plainly(pipe, z0, *pairs(cond, empty), settings.guidance, settings.steps)
        middle = clock(device)
        inversion = Inversion(plain.path, cond, Conditioning(*plain.null), 'null-text', plain.end)
        editor.edit([inversion], [WORD], _regions([image]))
        end = clock(device)
    return Timing(middle - start, end - middle, count, peak[0])


def _regions(images: list[np.ndarray]) -> list[np.ndarray]:
    regions = [np.zeros(image.shape[:2], bool) for image in images]
    for region in regions:
        quarter = len(region) // 4
        region[quarter:-quarter, quarter:-quarter] = True
    return regions


def presets(args: argparse.Namespace) -> dict[str, EditSettings]:
    """The settings of each row, with the steps asked for."""
    readme = load_preset('readme')
    npi = dataclasses.replace(readme, inversion=dataclasses.replace(readme.inversion, method='npi'))
    every = {'readme': readme, 'fast': load_preset('fast'), 'npi': npi}
    return {name: dataclasses.replace(every[name], steps=args.steps) for name in args.presets}


def time_all(args: argparse.Namespace) -> None:
    """The plain algorithm, a row a preset and batch, the losses of two precisions, the same rows compiled."""
    device, readme = torch.device(args.device), dataclasses.replace(load_preset('readme'), steps=args.steps)
    pipe = full_sdxl(device) if args.model == 'full' else tiny_sdxl(0).to(device)
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'
    print(f'torch {torch.__version__}, {name}, {args.model} model, {args.size} px, {args.steps} steps, bf16')
    images = [photograph(seed, args.size) for seed in range(max(args.batch))]
    print(f'\n{HEAD}')
    _time_plain(pipe, readme, images[0])
    _time_presets(pipe, args, images, compiled=False)
    print_precision(pipe, readme, images[0], device)
    if args.compile:
        print(f'\n{HEAD}')
        _time_presets(pipe, args, images, compiled=True)


def _time_presets(pipe, args: argparse.Namespace, images: list[np.ndarray], compiled: bool) -> None:
    for batch in args.batch:
        for preset, settings in presets(args).items():
            editor = Editor(pipe, settings, Runtime('bf16', batch=batch, compile=compiled))
            _warm_up(editor, images[:batch])
            print(time_editor(editor, images[:batch]).row(preset, compiled, batch), flush=True)


def _time_plain(pipe, readme: EditSettings, image: np.ndarray) -> None:
    unpinned = dataclasses.replace(readme, inversion=dataclasses.replace(readme.inversion, pin_source=False))
    editor = Editor(pipe, unpinned, Runtime('bf16'))
    _warm_up(editor, [image])
    print(time_plain(editor, image).row('plain', False, 1), flush=True)


def _warm_up(editor: Editor, images: list[np.ndarray]) -> None:
    """Let the device choose its kernels, and torch compile, before anything is timed."""
    time_editor(editor.replaced(dataclasses.replace(editor.settings, steps=2)), images)


def print_precision(pipe, settings: EditSettings, image: np.ndarray, device: torch.device) -> None:
    """Losses of null-text in bf16 and in fp32, on the path of fp32."""
    size, grid = image.shape[:2], DDIMGrid.from_pipeline(pipe, settings.steps)
    cond, empty = (encode(pipe, [prompt]).to(device) for prompt in (settings.source_prompt, ''))
    with installed(pipe.unet, settings.rli):
        exact = Denoiser(pipe, grid, size, torch.float32)
        path = pivots(exact, encode_images(pipe, image[None]).to(device), cond)
        fp32 = null_text(exact, path, cond, empty, settings)[0].losses
        bf16 = null_text(Denoiser(pipe, grid, size, torch.bfloat16), path, cond, empty, settings)[0].losses
    gaps = [half.best - full.best for half, full in zip(bf16, fp32, strict=True)]
    median, largest = statistics.median(gaps), max(gaps, key=abs)
    print(f'\nlosses of null-text, bf16 - fp32: median {median:.1e}, largest {largest:.1e}')
    for name, losses in (('fp32', fp32), ('bf16', bf16)):
        ends = ', '.join(f'{log.start:.1e} -> {log.best:.1e}' for log in (losses[0], losses[-1]))
        print(f'{name}: first and last step {ends}')
    inversion = settings.inversion
    print(f'the search of step i ends below {inversion.epsilon:.0e} + {inversion.epsilon_slope:.0e} i', flush=True)

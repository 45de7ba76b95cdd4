"""What it costs to invert and edit a photograph, against the plain algorithm of augment_reference.py in one run.

python benchmarks/augment_cost.py                               # counted, on the tiny model; minutes on a CPU
python benchmarks/augment_cost.py --steps 20 --seeds 2          # the same, quicker
python benchmarks/augment_cost.py --timed --device cuda         # seconds and GiB: full-size SDXL, random weights
python benchmarks/augment_cost.py --timed --model tiny --steps 2 --batch 1 2            # tries that on a CPU

Counted: evaluations of the UNet in null-text inversion with the default settings, counted by hooks; a row is
a forward. A backward pass to the embeddings is 1.11 forwards in full-size SDXL with frozen weights (7.51 and 6.76
TFLOP at 1024 px); it would be 2 if the weights had gradients too. Error is the mean squared difference between the
photograph's latent and where the guided steps end.

Timed: inversion and the edit towards one word, from pixels to pixels, of each preset, compiled and not. Nothing is
downloaded: the UNet and the VAE have SDXL's own shapes and random weights, the text encoders SDXL's widths and two
layers. How often null-text iterates depends on the weights, so evaluations are printed beside the seconds: seconds
an evaluation carry over to real weights, seconds a photograph only for methods without a search. Peak memory is
torch's, weights included, for the whole batch. Before the compiled rows stands how far the losses of null-text in
bf16 lie from those in fp32 on the same path.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from augment_full_size import full_sdxl
from augment_reference import invert_plainly

from augment.attention.install import installed
from augment.config.presets import load_preset
from augment.config.settings import EditSettings
from augment.editing.editor import Editor
from augment.editing.runtime import Runtime
from augment.inversion.ddim import pivots
from augment.inversion.methods import invert
from augment.inversion.null_text import null_text
from augment.inversion.result import Inversion
from augment.sdxl.conditioning import Conditioning, encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.latents import encode_images
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.tiny import tiny_sdxl

FROZEN, TRAINABLE = 1.11, 2.0
WORD = 'rust'


@dataclass
class Count:
    """Rows that went through the UNet, and rows that gradients came back through."""

    forward: int = 0
    backward: int = 0

    def equivalents(self, backward: float = FROZEN) -> float:
        """In forwards of one row, a backward pass being so many."""
        return self.forward + backward * self.backward


@contextmanager
def counted(unet: torch.nn.Module) -> Iterator[Count]:
    """Count what passes through ``unet``; gradients when they arrive, not when they might."""
    count = Count()

    def arrived(gradient: torch.Tensor) -> None:
        count.backward += len(gradient)

    def passed(module: torch.nn.Module, args: tuple, output) -> None:
        sample = output[0] if isinstance(output, tuple) else output.sample
        count.forward += len(sample)
        if sample.requires_grad:
            sample.register_hook(arrived)

    hook = unet.register_forward_hook(passed)
    try:
        yield count
    finally:
        hook.remove()


def photograph(seed: int, size: int) -> np.ndarray:
    """A grey surface with a gradient, grain and a dark stroke, uint8 (size, size, 3)."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    surface = 150 + 60 * generator.random() * rows + 40 * generator.random() * columns
    stroke = np.abs(rows - generator.uniform(0.3, 0.7) - 0.3 * generator.random() * np.sin(6 * columns)) < 0.02
    pixels = np.where(stroke, 40, surface)[..., None] + generator.normal(0, 8, (size, size, 3))
    return pixels.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Comparison:
    """Cost and error of the plain algorithm and of ours, on one photograph."""

    plain: Count
    plain_error: float
    ours: Count
    our_error: float

    def ratio(self, backward: float = FROZEN) -> float:
        """Our cost as a share of the plain one."""
        return self.ours.equivalents(backward) / self.plain.equivalents(backward)


def compare(seed: int, settings: EditSettings, size: int = 128) -> Comparison:
    """Both inversions of one photograph with the tiny model of ``seed``, residual interpolation in place."""
    pipe = tiny_sdxl(seed)
    z0 = encode_images(pipe, photograph(seed, size)[None])
    cond, empty = encode(pipe, [settings.source_prompt]), encode(pipe, [''])
    denoiser = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, settings.steps), (size, size))
    with installed(pipe.unet, settings.rli):
        with counted(pipe.unet) as plain:
            there = invert_plainly(pipe, z0, *_pairs(cond, empty), settings.guidance, settings.steps)
        with counted(pipe.unet) as ours:
            here = invert(denoiser, z0, cond, empty, settings)[0]
    return Comparison(plain, _error(there.end, z0[0]), ours, _error(here.reconstruction, z0[0]))


def _pairs(*conds: Conditioning) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(cond.seq, cond.pooled) for cond in conds]


def _error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return (found - wanted).square().mean().item()


def count_all(args: argparse.Namespace) -> None:
    """A row a seed and guidance scale."""
    print(f'tiny model, {args.steps} steps, {args.size} px\n')
    print(
        '| seed | guidance | plain f + b | ours f + b | ratio, b 1.11 f | ratio, b 2 f | plain error | our error |'
    )
    print('|---|---|---|---|---|---|---|---|')
    rows = []
    for seed in range(args.seeds):
        for guidance in (7.5, 15.0):
            row = compare(seed, EditSettings(guidance=guidance, steps=args.steps), args.size)
            rows.append(row)
            counts = f'{row.plain.forward} + {row.plain.backward} | {row.ours.forward} + {row.ours.backward}'
            ratios = f'{row.ratio():.3f} | {row.ratio(TRAINABLE):.3f}'
            errors = f'{row.plain_error:.4f} | {row.our_error:.4f}'
            print(f'| {seed} | {guidance:g} | {counts} | {ratios} | {errors} |', flush=True)
    worst, worst_trainable = max(row.ratio() for row in rows), max(row.ratio(TRAINABLE) for row in rows)
    better = sum(row.our_error <= row.plain_error for row in rows)
    print(f'\nworst ratio {worst:.3f} (b 2 f: {worst_trainable:.3f}); error not higher in {better} of {len(rows)}')


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
        plain = invert_plainly(pipe, z0, *_pairs(cond, empty), settings.guidance, settings.steps)
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


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--timed', action='store_true', help='seconds and memory instead of counts')
    parser.add_argument('--device', default='cpu', help='for --timed')
    parser.add_argument('--model', choices=('full', 'tiny'), default='full', help='for --timed')
    parser.add_argument(
        '--size', type=int, help='side of the photographs in pixels; default: 1024, or 128 for tiny'
    )
    parser.add_argument('--steps', type=int, default=50)
    parser.add_argument('--seeds', type=int, default=5, help='how many models and photographs to count')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 2, 4], help='photographs at once, for --timed')
    parser.add_argument(
        '--presets', nargs='+', choices=('readme', 'fast', 'npi'), default=['readme', 'fast', 'npi']
    )
    parser.add_argument('--no-compile', dest='compile', action='store_false', help='only uncompiled, for --timed')
    args = parser.parse_args()
    args.size = args.size or (1024 if args.timed and args.model == 'full' else 128)
    return args


def main() -> None:
    args = parse()
    (time_all if args.timed else count_all)(args)


if __name__ == '__main__':
    main()

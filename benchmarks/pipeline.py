"""Time of one training image through the pipeline, ours against mmseg's, paired in one run, on one thread.

python benchmarks/pipeline.py                     # magnetic_tile in $MMSEG_EXT_DATA, and photos of 12 megapixels
python benchmarks/pipeline.py --only photos       # 4000 x 3000 JPEGs with textures and small defects, drawn first
python benchmarks/pipeline.py --blocks 20         # steadier medians on a busy machine

mmseg's: LoadImageFromFile, LoadAnnotations, RandomResize, RandomCrop(512, cat_max_ratio=.75), RandomFlip,
PhotoMetricDistortion, PackSegInputs. Ours: the crop_512 pipeline with the same resize base and ratios; with the
cache filled, on its first epoch (it decodes and writes every image), without a cache, and with prob=0.

All take turns block by block, so that a busy moment hits all of them: an image of photos, ten of the tiles a
block. A ratio is the median over the blocks of (mmseg's time / ours) in one block; milliseconds are medians of the
blocks, of wall-clock time. The base of the resize is (512, 512) with ratios .5-3 for tiles, as the source has it,
and .5-2 as crop_512 has it; for photos it is their own size with .5-2, and (512, 512) with .5-3.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import TRANSFORMS

import mmseg_ext.datasets  # noqa: F401 registers the transforms

CROP_512 = Path(__file__).resolve().parents[1] / 'configs/_base_/pipelines/crop_512.py'
GROUPS = {
    'LoadImageFromFile': 'load',
    'LoadAnnotations': 'load',
    'LoadPair': 'load',
    'RandomResize': 'crop',
    'RandomCrop': 'crop',
    'DefectCrop': 'crop',
    'RandomFlip': 'flip',
    'PackSegInputs': 'pack',
}
Pair = tuple[str, str]


def stock(base: tuple[int, int], ratios: tuple[float, float]) -> list[dict]:
    """mmseg's usual training pipeline."""
    return [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='RandomResize', scale=base, ratio_range=ratios, keep_ratio=True),
        dict(type='RandomCrop', crop_size=(512, 512), cat_max_ratio=0.75),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PhotoMetricDistortion'),
        dict(type='PackSegInputs'),
    ]


def ours(base: tuple[int, int], ratios: tuple[float, float], cache: Path | None, prob: float = 0.5) -> list[dict]:
    """The crop_512 pipeline on another resize base."""
    load, crop, *rest = Config.fromfile(CROP_512).to_dict()['train_pipeline']
    load = dict(load, cache=cache and dict(folder=str(cache), gb=8))
    return [load, dict(crop, scale=ratios, base_size=base, prob=prob), *rest]


class Contestant:
    """A pipeline and the seconds that its parts took, block by block."""

    def __init__(self, name: str, steps: list[dict], before: Callable[[], None] = lambda: None) -> None:
        self.name, self.before = name, before
        self.steps = [(GROUPS.get(step['type'], 'photometric'), TRANSFORMS.build(step)) for step in steps]
        self.blocks: list[dict[str, float]] = []

    def run(self, pairs: list[Pair]) -> None:
        """One block."""
        self.before()
        spent = dict.fromkeys(('load', 'crop', 'flip', 'photometric', 'pack'), 0.0)
        for image, mask in pairs:
            results = dict(img_path=image, seg_map_path=mask, seg_fields=[], reduce_zero_label=False)
            for group, step in self.steps:
                start = time.perf_counter()
                results = step(results)
                spent[group] += time.perf_counter() - start
        self.blocks.append({group: seconds / len(pairs) for group, seconds in spent.items()})

    def totals(self) -> list[float]:
        return [sum(block.values()) for block in self.blocks]


def compare(title: str, pairs: list[Pair], size: int, blocks: int, base: tuple[int, int], ratios: tuple) -> None:
    """Run all contestants on ``blocks`` blocks of ``size`` images and print a table."""
    with tempfile.TemporaryDirectory(prefix='pipeline-benchmark-') as folder:
        full, empty = Path(folder, 'full'), Path(folder, 'empty')
        contestants = [
            Contestant('mmseg', stock(base, ratios)),
            Contestant('ours, cache filled', ours(base, ratios, full)),
            Contestant(
                'ours, first epoch', ours(base, ratios, empty), lambda: shutil.rmtree(empty, ignore_errors=True)
            ),
            Contestant('ours, no cache', ours(base, ratios, None)),
            Contestant('ours, cache filled, prob=0', ours(base, ratios, full, prob=0)),
        ]
        filler = Contestant('', ours(base, ratios, full))
        np.random.seed(0)  # noqa: NPY002 what the transforms draw from
        for number in range(blocks + 1):
            block = [pairs[(number * size + k) % len(pairs)] for k in range(size)]
            filler.run(block)
            for contestant in contestants[:: 1 if number % 2 else -1]:
                contestant.run(block)
    drawn = f'base {base[0]}x{base[1]}, ratios {ratios[0]}-{ratios[1]}'
    print(f'\n{title}: crop 512, {drawn}, {blocks} blocks of {size}\n')
    print(
        '| pipeline | ms an image | times as fast | load | crop | flip | photometric | pack |\n' + '|---' * 8 + '|'
    )
    for contestant in contestants:
        contestant.blocks.pop(0)  # the warm-up
        print(row(contestant, contestants[0]), flush=True)


def row(contestant: Contestant, peer: Contestant) -> str:
    """One line of the table."""
    own = contestant.totals()
    ratio = statistics.median(a / b for a, b in zip(peer.totals(), own, strict=True))
    parts = [
        1000 * statistics.median(block[group] for block in contestant.blocks) for group in contestant.blocks[0]
    ]
    parts = ' | '.join(f'{part:.2f}' for part in parts)
    return f'| {contestant.name} | {1000 * statistics.median(own):.1f} | {ratio:.2f} | {parts} |'


def tiles() -> list[Pair]:
    """Training images and masks of magnetic_tile."""
    root = Path(os.environ.get('MMSEG_EXT_DATA', 'data'), 'magnetic_tile')
    images = sorted(root.glob('img_dir/train/*'))
    if not images:
        raise SystemExit(f'{root}: no magnetic_tile there; set MMSEG_EXT_DATA, or run --only photos')
    return [(str(file), str(root / 'ann_dir/train' / f'{file.stem}.png')) for file in images]


def draw_photos(folder: Path, count: int) -> list[Pair]:
    """Twelve megapixels of textures at four scales as JPEG of quality 92, with eight spots in two classes."""
    pairs = []
    for number in range(count):
        generator = np.random.default_rng(number)
        image = generator.normal(128, 3, (3000, 4000, 3)).astype(np.float32)
        for step, contrast in ((40, 40), (8, 20), (2, 10)):
            noise = generator.normal(0, contrast, (3000 // step + 1, 4000 // step + 1)).astype(np.float32)
            image += cv2.resize(noise, (4000, 3000), interpolation=cv2.INTER_CUBIC)[..., None]
        mask = np.zeros(image.shape[:2], np.uint8)
        for x, y, radius, value in zip(*(generator.integers(*span, 8) for span in SPANS), strict=True):
            cv2.circle(mask, (int(x), int(y)), int(radius), int(value), -1)
        image += np.array([0, -40, 40], np.float32)[mask][..., None]
        pair = str(folder / f'{number}.jpg'), str(folder / f'{number}.png')
        cv2.imwrite(pair[0], image.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])
        cv2.imwrite(pair[1], mask)
        pairs.append(pair)
    time.sleep(3)  # the cache keeps no file that is younger than two seconds
    return pairs


SPANS = ((100, 3900), (100, 2900), (8, 30), (1, 3))  # column, row, radius, class


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', choices=('tiles', 'photos'))
    parser.add_argument('--blocks', type=int, default=12, help='blocks a contestant (default: %(default)s)')
    parser.add_argument('--photos', type=int, default=6, help='how many are drawn (default: %(default)s)')
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    init_default_scope('mmseg')
    print(f'numpy {np.__version__}, cv2 {cv2.__version__}, one thread')
    if args.only != 'photos':
        for ratios in ((0.5, 3.0), (0.5, 2.0)):
            compare('magnetic_tile', tiles(), 10, args.blocks, (512, 512), ratios)
    if args.only != 'tiles':
        with tempfile.TemporaryDirectory(prefix='photos-') as folder:
            photos = draw_photos(Path(folder), args.photos)
            compare('12-megapixel photos', photos, 1, args.blocks, (4000, 3000), (0.5, 2.0))
            compare('12-megapixel photos', photos, 1, args.blocks, (512, 512), (0.5, 3.0))


if __name__ == '__main__':
    main()

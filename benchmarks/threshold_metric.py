"""How long do ODS and OIS take, and what do shortcuts do to them: ranks against a loop over thresholds.

python benchmarks/threshold_metric.py                 # 100 generated crack maps of 512x512, about three minutes
python benchmarks/threshold_metric.py --images 12     # a look

The loop (source_ods.py) and ours take turns on the same batch, so that a busy moment hits both; a ratio is the
median over the batches of (the loop's time / ours). One thread, from logits to the counts of every threshold, or
from stored bytes, which are no faster for the loop. ``macro`` is the protocol of the loop; ``bsds`` at 2 pixels
shows what a tolerance costs. With a single sigmoid and batches of one image the loop is right, and the two must
agree on its own grids.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import source_ods
import torch
from rich.progress import track
from scipy import ndimage
from torch import Tensor

from mmseg_ext.evaluation.map_counter import MapCounter


def crack(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A crack of one pixel's width (H, W) bool, and float32 logits of a network more or less sure of it."""
    true = np.zeros((size, size), bool)
    rows = np.clip(size / 2 + rng.normal(0, 0.8, size).cumsum(), 0, size - 1).astype(int)
    true[rows, np.arange(size)] = True
    distance = ndimage.distance_transform_edt(~true)
    sure, slope, shift = rng.uniform(0.5, 5), rng.uniform(0.8, 2.5), rng.choice([-1, 0, 1], p=[0.15, 0.7, 0.15])
    logits = np.maximum(np.roll(sure - slope * distance, shift, axis=0), -6) + rng.normal(0, 0.7, true.shape)
    for _ in range(rng.integers(0, 4)):  # stains
        top, left = rng.integers(0, size - 20, 2)
        logits[top : top + 12, left : left + 20] += rng.uniform(3, 7)
    return true, logits.astype(np.float32)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def count(counter: MapCounter, logits: Tensor, true: np.ndarray) -> np.ndarray:
    """Ours from logits (N, H, W): counts (N, K, 4)."""
    maps = logits.sigmoid().numpy()
    return np.stack([counter.count(map_, mask) for map_, mask in zip(maps, true, strict=True)])


def compare(true: np.ndarray, logits: np.ndarray, batch: int) -> None:
    """Print the time of the loop and of ours for batches of so many images, and the scores of the loop."""
    ours = {'macro, floats': MapCounter('macro'), 'bsds at 2 px, floats': MapCounter('bsds', 2)}
    eight, ratios, times = MapCounter('macro'), {}, {}
    curves: dict[int, list] = {1: [], 2: []}
    for start in track(range(0, len(true), batch), f'batches of {batch}', transient=True):
        part, masks = torch.from_numpy(logits[start : start + batch]), true[start : start + batch]
        floats = torch.from_numpy(masks).float()
        loop, two = timed(lambda: source_ods.batch_curves(part, floats, sigmoids=2))  # noqa: B023
        curves[2].append(two)
        curves[1].append(source_ods.batch_curves(part, floats, sigmoids=1))
        stored = np.rint(255 * part.sigmoid().numpy()).astype(np.uint8)
        works = {name: lambda c=counter: count(c, part, masks) for name, counter in ours.items()}  # noqa: B023
        works['macro, 8 bits'] = lambda: [eight.count(*pair) for pair in zip(stored, masks, strict=True)]  # noqa: B023
        for name, work in works.items():
            seconds, _ = timed(work)
            times.setdefault(name, []).append(seconds / len(masks))
            ratios.setdefault(name, []).append(loop / seconds)
        times.setdefault('the loop', []).append(loop / len(masks))
    print(f'batches of {batch}')
    for name, seconds in times.items():
        faster = f'{statistics.median(ratios[name]):7.0f} times as fast' if name in ratios else ''
        print(f'  {name:22} {1000 * statistics.median(seconds):9.2f} ms an image {faster}')
    for sigmoids, values in curves.items():
        print('  the loop, {} sigmoid(s): ODS {:.4f}, OIS {:.4f}'.format(sigmoids, *source_ods.scores(values)))


def exact_scores(true: np.ndarray, logits: np.ndarray, name: str, **options: object) -> dict[str, float]:
    """The scores of ours for all images, without their tag."""
    counter = MapCounter(name, **options)
    scores, _ = counter.scores(count(counter, torch.from_numpy(logits), true))
    return {key.partition('@')[0]: value for key, value in scores.items()}


def agree(true: np.ndarray, logits: np.ndarray) -> None:
    """Print ours on the two grids of the loop, to be compared with its line of one sigmoid and batches of 1."""
    ods = exact_scores(true, logits, 'macro', thresholds=source_ods.ODS_GRID)['ODS']
    ois = exact_scores(true, logits, 'macro', thresholds=source_ods.OIS_GRID)['OIS']
    print(f'ours, macro on the grids of the loop: ODS {ods:.4f}, OIS {ois:.4f}')
    for name, tolerance in (
        ('macro', 0),
        ('crackformer', 0),
        ('deepcrack_tip', 0),
        ('deepcrack_tip', 2),
        ('bsds', 2),
    ):
        scores = exact_scores(true, logits, name, tolerance=tolerance)
        print(
            f'  {name:14} {tolerance} px  ' + '  '.join(f'{key} {scores[key]:.4f}' for key in ('ODS', 'OIS', 'AP'))
        )


def slow_ways(true: np.ndarray, logits: np.ndarray) -> None:
    """Print seconds an image of the counts that no histogram can give."""
    map_ = torch.from_numpy(logits[0]).sigmoid().numpy()
    for options in (dict(thin=True), dict(one_to_one=True), dict(thin=True, one_to_one=True)):
        counter = MapCounter('bsds', 2, **options)
        print(f'  {counter.tag:20} {timed(lambda c=counter: c.count(map_, true[0]))[0]:6.2f} s an image')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=100)
    parser.add_argument('--size', type=int, default=512)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    true, logits = map(np.stack, zip(*(crack(rng, args.size) for _ in range(args.images)), strict=True))
    print(f'torch {torch.__version__}, {platform.machine()}, {args.images} images of {args.size}x{args.size}')
    for batch in (4, 1):
        compare(true, logits, batch)
    agree(true, logits)
    slow_ways(true, logits)


if __name__ == '__main__':
    main()

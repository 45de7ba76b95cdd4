"""How long does scoring one batch take: DefectMetric against mmseg's IoUMetric, paired in one run.

python benchmarks/metrics.py                # 8 images of 512x512, 3 classes, defects on 0.23 % of the pixels
python benchmarks/metrics.py --rounds 50    # steadier medians on a busy machine

The contestants take turns on the same tensors, so that a busy moment hits all of them; a ratio is the median over
the rounds of (IoUMetric's time / ours) within one round. All on the CPU, one thread, predictions and masks int64
as the data preprocessor delivers them. Three scenes: rare defects as a trained model predicts them; as a model in
its first iterations does, with specks of every class all over; and ten of 150 classes an image, where counting
takes another way and IoUMetric does not look at components at all.
"""

import argparse
import platform
import statistics
import time

import torch
from mmseg.evaluation import IoUMetric

from mmseg_ext.evaluation import DefectMetric

DISCS = ((1, 150, 120, 11), (2, 380, 300, 8))  # class, row, column, radius


def rare_defects(images: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two discs an image, 0.22 % of 512 x 512, predicted two pixels beside where they are."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing='ij')
    label = torch.zeros(images, size, size, dtype=torch.int64)
    for index, row, column, radius in DISCS:
        label[:, (rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = index
    return label.roll(2, dims=2), label


def specks(images: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same masks with predictions that are noise: one pixel in ten is called a defect."""
    _, label = rare_defects(images, size)
    noise = torch.rand(label.shape, generator=torch.Generator().manual_seed(0))
    return (noise < 0.1).long() + (noise < 0.05), label


def many_classes(images: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Blocks of 64 x 64 pixels, ten of 150 classes an image, predicted two pixels beside where they are."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.stack([torch.randperm(150, generator=generator)[:10] for _ in range(images)])
    places = torch.randint(10, (images, (size // 64) ** 2), generator=generator)
    label = classes.gather(1, places).view(images, size // 64, size // 64)
    label = label.repeat_interleave(64, 1).repeat_interleave(64, 2)
    return label.roll(2, dims=2), label


def samples(pred: torch.Tensor, label: torch.Tensor) -> list[dict]:
    """What the evaluator hands to a metric."""
    return [
        {
            'pred_sem_seg': {'data': p[None]},
            'gt_sem_seg': {'data': g[None]},
            'img_path': str(i),
            'seg_map_path': '',
        }
        for i, (p, g) in enumerate(zip(pred, label, strict=True))
    ]


def seconds(metric: IoUMetric | DefectMetric, batch: list[dict]) -> float:
    """One call of ``process``."""
    start = time.perf_counter()
    metric.process(None, batch)
    elapsed = time.perf_counter() - start
    metric.results.clear()
    return elapsed


def compare(batch: list[dict], num_classes: int, rounds: int) -> None:
    """Print a line a contestant: median milliseconds per batch, ratio to IoUMetric."""
    contestants = {
        'IoUMetric': IoUMetric(prefix='peer'),
        'DefectMetric, pixels': DefectMetric(components=False),
        'DefectMetric, pixels and components': DefectMetric(),
    }
    for metric in contestants.values():
        metric.dataset_meta = {'classes': [str(index) for index in range(num_classes)]}
        seconds(metric, batch)  # the first call allocates
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, metric in contestants.items():
            times[name].append(seconds(metric, batch))
    for name, ours in times.items():
        ratio = statistics.median(peer / own for peer, own in zip(times['IoUMetric'], ours, strict=True))
        print(f'  {name:36} {1000 * statistics.median(ours):8.2f} ms   {ratio:5.2f} times as fast')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--images', type=int, default=8)
    parser.add_argument('--size', type=int, default=512)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f'torch {torch.__version__}, {platform.machine()}, one thread, {args.rounds} rounds')
    for scene, num_classes in ((rare_defects, 3), (specks, 3), (many_classes, 150)):
        print(f'{scene.__name__}, {num_classes} classes, {args.images} images of {args.size}x{args.size}')
        rounds = args.rounds if num_classes < 10 else max(args.rounds // 4, 3)
        compare(samples(*scene(args.images, args.size)), num_classes, rounds)


if __name__ == '__main__':
    main()

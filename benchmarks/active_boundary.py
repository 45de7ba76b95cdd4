"""Time of the active boundary loss, forward + backward, against the algorithm as its authors wrote it, and values.

python benchmarks/active_boundary.py                                # 8 x 11 x 256 x 256, 9 pairs a scene
python benchmarks/active_boundary.py --shape 2 3 512 512 --pairs 5

Both run alternately in this process; printed are the medians and the median of the pairwise ratios, once of the
clock and once of the processor, which other work on the machine stretches less. ``early`` is a noisy prediction
five pixels off, ``late`` a sure one that is one pixel off. The authors share the contour budget of one image among
the batch, so that of a batch of 8 ours looks at eight times as many pixels. Values are equal only where their code
is not at fault: one image, whole distances, nothing ignored; the last line shows such a case.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from source_active_boundary import source_active_boundary
from torch import Tensor

from mmseg_ext.functional.active_boundary import active_boundary_loss

SCENES = {'early': (5, 4.0, 1.0), 'late': (1, 8.0, 0.3)}  # pixels off, height of the logits, noise on them


def blobs(shape: list[int], shift: int, height: float, noise: float) -> tuple[Tensor, Tensor]:
    """Logits (N, C, H, W) of a label (N, H, W) of smooth regions, ``shift`` pixels away from it."""
    torch.manual_seed(0)
    batch, classes, *size = shape
    label = F.interpolate(torch.randn(batch, classes, 16, 16), size=size, mode='bilinear').argmax(1)
    logits = F.one_hot(label.roll(shift, 2), classes).movedim(-1, 1) * height + noise * torch.randn(shape)
    return logits.contiguous().requires_grad_(), label


def seconds(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, label: Tensor) -> tuple[float, float]:
    """Of the clock, and of the processor in all threads."""
    logits.grad = None
    clocks = time.perf_counter, time.process_time
    start = [clock() for clock in clocks]
    loss(logits, label).backward()
    return tuple(clock() - begun for clock, begun in zip(clocks, start, strict=True))


def straight() -> tuple[Tensor, Tensor]:
    """One image whose contours are straight, as are the distances to them: whole numbers."""
    torch.manual_seed(0)
    label = torch.zeros(1, 64, 64, dtype=torch.long)
    label[:, :, 32:] = 1
    return torch.randn(1, 3, 64, 64) * 2, label


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--shape', type=int, nargs=4, default=[8, 11, 256, 256], metavar=('N', 'C', 'H', 'W'))
    parser.add_argument('--pairs', type=int, default=9, help='alternating runs per scene')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f'torch {torch.__version__}, {torch.get_num_threads()} threads, {args.shape}, {args.pairs} pairs\n')
    print('| scene | time | ours, ms | peer, ms | times as fast |\n|---|---|---|---|---|')
    for name, scene in SCENES.items():
        batch = blobs(args.shape, *scene)
        losses = active_boundary_loss, source_active_boundary
        pairs = [[seconds(loss, *batch) for loss in losses] for _ in range(args.pairs + 1)][1:]
        for kind, clock in enumerate(('clock', 'processor')):
            taken = [(ours[kind], theirs[kind]) for ours, theirs in pairs]
            ours, peer = (1e3 * statistics.median(column) for column in zip(*taken, strict=True))
            ratio = statistics.median(theirs / own for own, theirs in taken)
            print(f'| {name} | {clock} | {ours:.0f} | {peer:.0f} | {ratio:.2f} |', flush=True)
    values = [loss(*straight()).item() for loss in (active_boundary_loss, source_active_boundary)]
    print('\nstraight contours: ours {:.6f}, peer {:.6f}'.format(*values))


if __name__ == '__main__':
    main()

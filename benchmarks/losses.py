"""Time and memory of one training step of every loss, forward + backward, against torch's cross-entropy.

python benchmarks/losses.py                                     # 8 x 3 x 512 x 512, 15 pairs a loss
python benchmarks/losses.py --shape 4 6 256 256 --pairs 5       # another batch
python benchmarks/losses.py --only SoftmaxFocalLoss

Each loss runs alternately with F.cross_entropy in this process, so that whatever else the machine does hits both;
printed are the medians and the median of the pairwise ratios. Memory is the highest sum of what one step had
allocated, beyond logits and label, in tensors of the logits' size; the gradient itself is one of them.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

import mmseg_ext.models

OURS = {
    'SoftmaxFocalLoss': dict(type='SoftmaxFocalLoss', alpha=dict(background=0.1, defect=0.45)),
    **{name: dict(type=name) for name in mmseg_ext.models.losses.__all__ if name != 'SoftmaxFocalLoss'},
}
PEERS = {
    'mmseg DiceLoss': dict(type='DiceLoss'),
    'mmseg TverskyLoss': dict(type='TverskyLoss'),
}
Loss = Callable[[Tensor, Tensor], Tensor]


def autograd_focal(logits: Tensor, label: Tensor) -> Tensor:
    """The focal formula as one would write it down, differentiated by autograd."""
    alpha = torch.full((logits.shape[1],), 0.45).index_fill_(0, torch.tensor(0), 0.1)
    nll = F.cross_entropy(logits, label, ignore_index=255, reduction='none')
    terms = alpha[label.masked_fill(label == 255, 0)] * (1 - (-nll).exp()) ** 2 * nll
    return terms.sum() / (label != 255).sum()


def rare_batch(shape: list[int]) -> tuple[Tensor, Tensor]:
    """Random logits, and labels with one small block of each defect class and an ignored strip in every image."""
    torch.manual_seed(0)
    batch, classes, height, width = shape
    label = torch.zeros(batch, height, width, dtype=torch.long)
    for defect in range(1, classes):
        top, left = height * defect // (classes + 1), width * defect // (classes + 1)
        label[:, top : top + height // 16, left : left + width // 16] = defect
    label[:, :, : width // 32] = 255
    return torch.randn(batch, classes, height, width, requires_grad=True), label


def step(loss: Loss, logits: Tensor, label: Tensor) -> None:
    logits.grad = None
    loss(logits, label).backward()


def seconds(loss: Loss, logits: Tensor, label: Tensor) -> float:
    start = time.perf_counter()
    step(loss, logits, label)
    return time.perf_counter() - start


def peak_memory(loss: Loss, logits: Tensor, label: Tensor) -> float:
    """Highest running sum of the allocations of one step, in logits."""
    logits.grad = None
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        step(loss, logits, label)
    running = peak = 0
    events = [event for event in prof.profiler.kineto_results.events() if event.name() == '[memory]']
    for event in sorted(events, key=lambda event: event.start_ns()):
        running += event.nbytes()
        peak = max(peak, running)
    return peak / (logits.numel() * logits.element_size())


def pair_up(loss: Loss, peer: Loss, logits: Tensor, label: Tensor, pairs: int) -> tuple[float, float, float]:
    """Median seconds of the loss and of the peer, and median ratio, over alternating runs after a warm-up."""
    for function in (loss, peer):
        step(function, logits, label)
    times = [(seconds(loss, logits, label), seconds(peer, logits, label)) for _ in range(pairs)]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return ours, theirs, statistics.median(a / b for a, b in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--shape', type=int, nargs=4, default=[8, 3, 512, 512], metavar=('N', 'C', 'H', 'W'))
    parser.add_argument('--pairs', type=int, default=15, help='alternating runs per loss')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--only', nargs='+', default=[], metavar='LOSS', help='names of rows to run')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    logits, label = rare_batch(args.shape)
    base = torch.nn.CrossEntropyLoss(ignore_index=255)
    rows = {name: MODELS.build(cfg) for name, cfg in (OURS | PEERS).items()}
    rows = {'F.cross_entropy': base, 'focal by autograd': autograd_focal} | rows
    print(f'torch {torch.__version__}, {torch.get_num_threads()} threads, {args.shape}, {args.pairs} pairs\n')
    print('| loss | ms | F.cross_entropy ms | time ratio | peak memory, logits |\n|---|---|---|---|---|')
    for name, loss in rows.items():
        if not args.only or name in args.only:
            ours, theirs, ratio = pair_up(loss, base, logits, label, args.pairs)
            memory = peak_memory(loss, logits, label)
            print(f'| {name} | {ours * 1e3:.1f} | {theirs * 1e3:.1f} | {ratio:.2f} | {memory:.2f} |', flush=True)


if __name__ == '__main__':
    main()

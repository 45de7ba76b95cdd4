"""What SegGPT keeps for the backward pass of one pair, and the time of the forward pass: ours and transformers'.

python benchmarks/seggpt_memory.py                      # ViT-Large, 448 px, bf16: 14 GB, minutes of a core
python benchmarks/seggpt_memory.py --layers 6 --dtype float32

Random weights of the published size. "Kept" sums the storages that autograd saves, each once, without weights (but
with their copies in bf16). Time is that of the processor, the median of three passes, which alternate.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmseg_ext.models.seggpt.network import SegGPTNetwork

Forward = Callable[[], Tensor]


def kept_bytes(forward: Forward, model: nn.Module) -> int:
    """Bytes of what the graph of ``forward`` holds, apart from the weights of ``model``."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = forward()  # held, so that no storage is used twice
    del output
    return sum(saved.values())


def seconds(forward: Forward) -> float:
    """Of the processor."""
    start = time.process_time()
    forward()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--layers', type=int, default=24, help='6 or more; of ViT-Large: 24')
    parser.add_argument('--dtype', choices=('bfloat16', 'float32'), default='bfloat16', help='of autocast')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    levels = list(range(args.layers - 4, args.layers))
    ours = SegGPTNetwork(
        dict(num_hidden_layers=args.layers, intermediate_hidden_state_indices=levels, drop_path_rate=0.0)
    )
    theirs, half = ours.seggpt, [torch.randn(1, 3, ours.size, ours.size) for _ in range(3)]
    masked = torch.zeros(1, ours.tokens, dtype=torch.bool)
    masked[:, ours.tokens // 2 :] = True

    def run(forward: Forward) -> Forward:
        def inside() -> Tensor:
            with torch.autocast('cpu', torch.bfloat16, enabled=args.dtype == 'bfloat16'):
                return forward()

        return inside

    def checkpointed() -> Tensor:
        ours.train().gradient_checkpointing = True
        try:
            return ours(*half)
        finally:
            ours.eval().gradient_checkpointing = False

    rows = {
        "transformers'": run(lambda: theirs(*half, masked, embedding_type='semantic').pred_masks),
        'ours': run(lambda: ours.eval()(*half)),
        'ours, gradient checkpointing': run(checkpointed),
    }
    kept = {name: kept_bytes(forward, ours) for name, forward in rows.items()}
    times = {name: statistics.median(each) for name, each in _alternating(rows).items()}
    print(f'torch {torch.__version__}, {args.threads} threads, {args.layers} layers, {args.dtype}\n')
    print('| | kept, GB | forward, s |\n|---|---|---|')
    for name in rows:
        print(f'| {name} | {kept[name] / 1e9:.2f} | {times[name]:.1f} |')


def _alternating(rows: dict[str, Forward]) -> dict[str, list[float]]:
    times = {name: [] for name in rows}
    for _ in range(3):
        for name, forward in rows.items():
            times[name].append(seconds(forward))
    return times


if __name__ == '__main__':
    main()

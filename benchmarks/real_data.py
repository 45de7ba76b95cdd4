"""Focal and Dice against cross-entropy on real defect images, from scratch, at equal seed and iterations.

python benchmarks/real_data.py                         # two sets, three losses, one seed: an hour
python benchmarks/real_data.py --iterations 20000 --seeds 0 1 2 --batch 16    # the larger setting, for a GPU

Every run goes through tools/train.py and tools/test.py as a user would call them. A row is appended to
benchmarks/real_data.csv when a run ends; runs that are in it already are skipped.
"""

import argparse
import time
from itertools import product
from typing import Any

from run_table import ROOT, RunTable, judge, train

RECIPE = ROOT / 'configs/quick/demo_blade.py'
TABLE = RunTable(
    ROOT / 'benchmarks/real_data.csv',
    ('dataset', 'loss', 'seed', 'iterations', 'batch'),
    ('minutes', 'device', 'mIoU_fg', 'mAcc_fg', 'per_class'),
)


def run(dataset: str, loss: str, seed: int, iterations: int, batch: int) -> dict[str, Any]:
    """Train and test once; the values of the row."""
    folder = ROOT / 'work_dirs/real_data/exp/quick' / f'{dataset}_{loss}_{iterations}x{batch}' / f'seed{seed}'
    swaps = {'datasets': dataset, 'losses': loss}
    options = {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': iterations // 4,
        'default_hooks.checkpoint.interval': iterations // 4,
        'param_scheduler.1.end': iterations,
        'train_dataloader.batch_size': batch,
    }
    start = time.perf_counter()
    train(RECIPE, folder, seed, swaps, options)
    minutes = (time.perf_counter() - start) / 60
    result = judge(RECIPE, folder, swaps, options)
    scores = result['scores']
    return dict(
        minutes=round(minutes, 1),
        device=result['device'],
        mIoU_fg=round(scores['mIoU_fg'], 2),
        mAcc_fg=round(scores['mAcc_fg'], 2),
        per_class='; '.join(f'{name} {scores[f"IoU.{name}"]:.1f}' for name in result['classes'][1:]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--datasets', nargs='+', default=['magnetic_tile', 'crackforest'])
    parser.add_argument('--losses', nargs='+', default=['cross_entropy', 'focal_any', 'dice_ce'])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--iterations', type=int, default=1000)
    parser.add_argument('--batch', type=int, default=8)
    args = parser.parse_args()
    for seed, dataset, loss in product(args.seeds, args.datasets, args.losses):
        key = (dataset, loss, seed, args.iterations, args.batch)
        if not TABLE.has(key):
            TABLE.append(key, run(*key))
            print(TABLE.rows()[-1])


if __name__ == '__main__':
    main()

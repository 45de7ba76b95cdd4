"""What the ten-minute recipe learns from scratch on real defect images: scores of the test split, CPU time, seeds.

python benchmarks/ten_minutes.py                                       # two sets, three seeds: an hour of CPU
python benchmarks/ten_minutes.py --settings recipe dice_ce cross_entropy --seeds 0   # against other losses
python benchmarks/ten_minutes.py --settings wide --iterations 20000 --batch 32          # larger, for a GPU

Every run goes through tools/train.py and tools/test.py as a user would call them. A row is appended to
benchmarks/ten_minutes.csv when a run ends; runs that are in it already are skipped, begun ones are continued.
"""

import argparse
import resource
from itertools import product
from pathlib import Path
from typing import Any

from run_table import ROOT, RunTable, judge, train

RECIPE = ROOT / 'configs/quick/ten_minutes.py'
TABLE = RunTable(
    ROOT / 'benchmarks/ten_minutes.csv',
    ('setting', 'dataset', 'seed', 'iterations', 'batch'),
    ('cpu_minutes', 'device', 'mIoU_fg', 'IoU', 'Found', 'FalseAlarms', 'best_at'),
)
# What each setting changes in the recipe: bases, and single keys.
SETTINGS: dict[str, tuple[dict[str, str], dict[str, str | int]]] = {
    'recipe': ({}, {}),
    'cross_entropy': ({'losses': 'cross_entropy'}, {}),
    'dice_ce': ({'losses': 'dice_ce'}, {}),
    'large_crops': ({'pipelines': 'crop_256'}, {'train_dataloader.batch_size': 3}),
    'free_3': ({}, {'train_dataloader.sampler.free': 3}),
    'plain_unet': ({}, {'model.backbone.type': 'UNet'}),
    'wide': ({}, {'model.backbone.base_channels': 32, 'model.decode_head.in_channels': 32}),
}


def schedule(iterations: int, batch: int) -> dict[str, int]:
    """The recipe's schedule, stretched."""
    return {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': iterations // 4,
        'default_hooks.checkpoint.interval': iterations // 4,
        'param_scheduler.0.end': iterations // 10,
        'param_scheduler.1.begin': iterations // 10,
        'param_scheduler.1.end': iterations,
        'train_dataloader.batch_size': batch,
    }


def children_seconds() -> float:
    """CPU seconds of all processes that this one has started and waited for, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(setting: str, dataset: str, seed: int, iterations: int, batch: int, root: Path) -> dict[str, Any]:
    """Train and test once; the values of the row."""
    folder = root / f'{setting}_{dataset}_{iterations}x{batch}' / f'seed{seed}'
    bases, changes = SETTINGS[setting]
    swaps, options = {'datasets': dataset, **bases}, {**schedule(iterations, batch), **changes}
    before = children_seconds()
    train(RECIPE, folder, seed, swaps, options)
    seconds = children_seconds() - before
    result = judge(RECIPE, folder, swaps, options)
    scores, defects = result['scores'], result['classes'][1:]
    return dict(
        cpu_minutes=round(seconds / 60, 1),
        device=result['device'],
        mIoU_fg=round(scores['mIoU_fg'], 2),
        IoU='; '.join(f'{name} {scores[f"IoU.{name}"]:.1f}' for name in defects),
        Found='; '.join(f'{name} {scores[f"Found.{name}"]:.0f}' for name in defects),
        FalseAlarms=round(scores['FalseAlarms'], 2),
        best_at=result['iteration'],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--settings', nargs='+', default=['recipe'], choices=list(SETTINGS))
    parser.add_argument('--datasets', nargs='+', default=['magnetic_tile', 'crackforest'])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--iterations', type=int, default=2400)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--root', type=Path, default=ROOT / 'work_dirs/ten_minutes/exp/quick')
    args = parser.parse_args()
    for seed, dataset, setting in product(args.seeds, args.datasets, args.settings):
        key = (setting, dataset, seed, args.iterations, args.batch)
        if not TABLE.has(key):
            TABLE.append(key, run(*key, args.root))
            print(TABLE.rows()[-1])


if __name__ == '__main__':
    main()

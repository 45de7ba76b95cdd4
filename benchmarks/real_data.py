"""Focal and Dice against cross-entropy on real defect images, from scratch, at equal seed and iterations.

python benchmarks/real_data.py                         # two sets, three losses, one seed: an hour
python benchmarks/real_data.py --iterations 20000 --seeds 0 1 2 --batch 16    # the larger setting, for a GPU

Every run goes through tools/train.py and tools/test.py as a user would call them. A row is appended to
benchmarks/real_data.csv when a run ends; runs that are in it already are skipped.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / 'configs/quick/demo_blade.py'
TABLE = ROOT / 'benchmarks/real_data.csv'
COLUMNS = (
    'dataset',
    'loss',
    'seed',
    'iterations',
    'batch',
    'minutes',
    'device',
    'mIoU_fg',
    'mAcc_fg',
    'per_class',
)


def command(tool: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / 'tools' / tool), str(RECIPE), *arguments]


def run(dataset: str, loss: str, seed: int, iterations: int, batch: int) -> dict[str, str | int | float]:
    """Train and test once; the row for the table."""
    folder = ROOT / 'work_dirs/real_data/exp/quick' / f'{dataset}_{loss}_{iterations}x{batch}' / f'seed{seed}'
    swaps = ['--swap', f'datasets={dataset}', f'losses={loss}']
    options = {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': iterations // 4,
        'default_hooks.checkpoint.interval': iterations // 4,
        'param_scheduler.1.end': iterations,
        'train_dataloader.batch_size': batch,
    }
    options = ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
    start = time.perf_counter()
    common = [*swaps, *options, '--work-dir', str(folder)]
    subprocess.run(command('train.py', *common, '--seed', str(seed), '--resume'), check=True)
    minutes = (time.perf_counter() - start) / 60
    subprocess.run(command('test.py', str(folder), *common), check=True)
    result = json.loads((folder / 'test/result.json').read_text())
    scores = result['scores']
    per_class = '; '.join(f'{name} {scores[f"IoU.{name}"]:.1f}' for name in result['classes'][1:])
    return dict(
        dataset=dataset,
        loss=loss,
        seed=seed,
        iterations=iterations,
        batch=batch,
        minutes=round(minutes, 1),
        device=result['device'],
        mIoU_fg=round(scores['mIoU_fg'], 2),
        mAcc_fg=round(scores['mAcc_fg'], 2),
        per_class=per_class,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--datasets', nargs='+', default=['magnetic_tile', 'crackforest'])
    parser.add_argument('--losses', nargs='+', default=['cross_entropy', 'focal_any', 'dice_ce'])
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--iterations', type=int, default=1000)
    parser.add_argument('--batch', type=int, default=8)
    args = parser.parse_args()
    done = list(csv.DictReader(TABLE.open(encoding='utf-8'))) if TABLE.exists() else []
    for seed in args.seeds:
        for dataset in args.datasets:
            for loss in args.losses:
                key = tuple(map(str, (dataset, loss, seed, args.iterations, args.batch)))
                if key in {tuple(row[name] for name in COLUMNS[:5]) for row in done}:
                    continue
                row = run(dataset, loss, seed, args.iterations, args.batch)
                with TABLE.open('a', newline='', encoding='utf-8') as file:
                    writer = csv.DictWriter(file, COLUMNS)
                    if not file.tell():
                        writer.writeheader()
                    writer.writerow(row)
                print(row)


if __name__ == '__main__':
    main()

"""One part of the indoor recipe after another on street scenes: what each adds for the rare, small classes.

python benchmarks/indoor_factors.py                       # camvid11, Fast-SCNN, three seeds: 45 minutes of CPU
python benchmarks/indoor_factors.py --recipe configs/deeplabv3plus/deeplabv3plus_r101-d8_*.py \
    --iterations 20000 --batch 13                         # for a GPU
python benchmarks/indoor_factors.py --print               # means and deviations of what is there, as Markdown

Cross-entropy; crops on the rare classes; focal + Dice in place of cross-entropy; active boundary loss on top, from
a quarter of the training on; test-time augmentation by mirroring on top, which trains nothing. Every run goes
through tools/train.py and tools/test.py as a user would call them. A row is appended to
benchmarks/indoor_factors.csv when a run ends; runs that are in it already are skipped, begun ones are continued.
"""

import argparse
import json
from pathlib import Path
from statistics import mean

from markdown_table import markdown_table, mean_deviation
from run_table import ROOT, RunTable, train_and_test

RECIPE = ROOT / 'configs/quick/demo_blade.py'  # Fast-SCNN whose batch statistics keep up with a short training
RARE = {'camvid11': ('pole', 'sign_symbol', 'pedestrian', 'bicyclist')}
SCORES = ('mIoU', 'IoU_rare', 'mBF@2px', 'BF_rare@2px')
TABLE = RunTable(
    ROOT / 'benchmarks/indoor_factors.csv',
    ('setting', 'dataset', 'recipe', 'seed', 'iterations', 'batch'),
    ('minutes', 'device', *SCORES, 'IoU'),
)
LOSSES = {
    'cross_entropy': 'cross_entropy',
    'rare_crops': 'cross_entropy',
    'focal_dice': 'focal_dice',
    'boundary': 'focal_dice_boundary',
}
AUGMENTED = 'boundary + tta'  # of the network of 'boundary'


def options(setting: str, classes: tuple[int, ...], iterations: int, batch: int) -> dict[str, object]:
    """Length of the training, where its crops lie, and when the boundary loss begins."""
    pause, crops = max(iterations // 4, 1), 'train_dataloader.dataset.pipeline.1'
    found: dict[str, object] = {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': pause,
        'default_hooks.checkpoint.interval': pause,
        'default_hooks.checkpoint.save_best': 'mIoU',
        'param_scheduler.0.end': iterations // 10,
        'param_scheduler.1.begin': iterations // 10,
        'param_scheduler.1.end': iterations,
        'train_dataloader.batch_size': batch,
        f'{crops}.prob': 0.0 if setting == 'cross_entropy' else 0.75,
        f'+{crops}.classes': str([*classes]).replace(' ', ''),
    }
    if setting == 'boundary':
        found['model.decode_head.loss_decode.1.start_iter'] = iterations // 4
    return found


def run(setting: str, seed: int, args: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Train and test once; the values of the rows, two where the network is also judged with augmentation."""
    folder = args.root / f'{setting}_{args.dataset}_{args.iterations}x{args.batch}' / f'seed{seed}'
    swaps = {'datasets': args.dataset, 'pipelines': 'crop_256x352'}
    swaps |= {'losses': LOSSES[setting], 'schedules': 'adamw_600'}
    chosen = options(setting, args.classes, args.iterations, args.batch)
    views = ['flip'] if setting == 'boundary' else None
    results = {setting: train_and_test(args.recipe, folder, seed, swaps, chosen, views)}
    if views:
        results[AUGMENTED] = json.loads((folder / 'test-tta/result.json').read_text(encoding='utf-8'))
    minutes = json.loads((folder / 'train/result.json').read_text(encoding='utf-8'))['train_seconds'] / 60
    return {
        name: values(result, args.dataset) | dict(minutes=round(minutes, 1)) for name, result in results.items()
    }


def values(result: dict, dataset: str) -> dict[str, object]:
    """What a row says of a result."""
    scores, rare = result['scores'], RARE[dataset]
    return dict(
        device=result['device'],
        mIoU=scores['mIoU'],
        IoU_rare=mean(scores[f'IoU.{name}'] or 0.0 for name in rare),
        **{'mBF@2px': scores['mBF@2px'], 'BF_rare@2px': mean(scores[f'BF.{name}@2px'] or 0.0 for name in rare)},
        IoU='; '.join(f'{name} {scores[f"IoU.{name}"] or 0.0:.1f}' for name in result['classes']),
    )


def summary() -> str:
    """Mean and deviation over the seeds of each setting, as Markdown."""
    by_setting = {each: [row for row in TABLE.rows() if row['setting'] == each] for each in (*LOSSES, AUGMENTED)}
    lines = [
        [setting, str(len(rows)), *(mean_deviation([float(row[name]) for row in rows]) for name in SCORES)]
        for setting, rows in by_setting.items()
        if rows
    ]
    return markdown_table(['setting', 'n', *SCORES], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--settings', nargs='+', default=list(LOSSES), choices=list(LOSSES))
    parser.add_argument('--dataset', default='camvid11', choices=list(RARE))
    parser.add_argument(
        '--classes', nargs='+', type=int, default=(2, 6, 9, 10), help='mask values of the rare ones'
    )
    parser.add_argument('--recipe', type=Path, default=RECIPE)
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--iterations', type=int, default=400)
    parser.add_argument('--batch', type=int, default=4)
    parser.add_argument('--root', type=Path, default=ROOT / 'work_dirs/indoor_factors/exp/scenes')
    parser.add_argument('--print', action='store_true', dest='only_print')
    args = parser.parse_args()
    for seed in args.seeds if not args.only_print else ():
        for setting in args.settings:
            key = (args.dataset, args.recipe.stem, seed, args.iterations, args.batch)
            if not TABLE.has((setting, *key)):
                for name, row in run(setting, seed, args).items():
                    TABLE.append((name, *key), row)
    print(summary())


if __name__ == '__main__':
    main()

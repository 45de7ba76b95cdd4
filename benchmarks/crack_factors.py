"""One factor at a time from U-Net, crops, no CLAHE, BCE + Dice: what each of them does on real cracks.

python benchmarks/crack_factors.py                                  # crackforest, half width: 45 minutes of CPU
python benchmarks/crack_factors.py --settings unet focal --seeds 0 1 2
python benchmarks/crack_factors.py --width 32 --iterations 20000 --batch 8 --side 512     # as published, for a GPU
python benchmarks/crack_factors.py --print                          # the table of what is there, as Markdown

Every run goes through tools/train.py and tools/test.py as a user would call them: Adam 1e-2, the learning rate
falls when the validation loss rests. Judged are the last weights, by the threshold that is best for them on the
validation images: weights chosen by IoU, at the threshold of the config, would be the first ones of a network
that never reaches it. A row is appended to benchmarks/crack_factors.csv when a run ends; runs that are in it
already are skipped, begun ones are continued.
"""

import argparse
import json
from pathlib import Path

from run_table import ROOT, RunTable, train_and_test

from mmseg_ext.reports.curves import read_history

RECIPE = next((ROOT / 'configs/unet').glob('unet_*.py'))
TAGS = ('deepcrack_tip-2px', 'macro-0px')
SCORES = {f'{name}@{tag}': f'{name}@{tag}' for tag in TAGS for name in ('ODS', 'OIS', 'AP')}
SCORES |= {'IoU': 'IoU.crack', 'Found': 'Found.crack', 'FalseAlarms': 'FalseAlarms'}
TABLE = RunTable(
    ROOT / 'benchmarks/crack_factors.csv',
    ('setting', 'dataset', 'seed', 'width', 'side', 'iterations', 'batch'),
    ('minutes', 'device', *SCORES, 'threshold', 'train_loss'),
)
# What each setting swaps; {side} is that of the crops.
SETTINGS = {
    'unet': {},
    'unetpp': {'models': 'unetpp'},
    'attention_unet': {'models': 'attention_unet'},
    'resized': {'pipelines': 'crack_{side}_resized'},
    'clahe': {'pipelines': 'crack_{side}_clahe'},
    'bce': {'losses': 'bce'},
    'focal': {'losses': 'sigmoid_focal'},
}


def options(args: argparse.Namespace) -> dict[str, int | None]:
    """Width of the network and length of the training."""
    width, pause = args.width, max(args.iterations // 8, 1)
    return {
        'model.backbone.base_channels': width,
        'model.decode_head.in_channels': width,
        'model.decode_head.channels': width,
        'train_cfg.max_iters': args.iterations,
        'train_cfg.val_interval': pause,
        'default_hooks.checkpoint.interval': pause,
        'default_hooks.checkpoint.save_best': None,
        'train_dataloader.batch_size': args.batch,
    }


def run(setting: str, seed: int, args: argparse.Namespace) -> dict[str, object]:
    """Train and test once; the values of the row."""
    name = f'{setting}_{args.dataset}_{args.width}x{args.side}_{args.iterations}x{args.batch}'
    folder = args.root / name / f'seed{seed}'
    swaps = {'datasets': args.dataset, 'pipelines': f'crack_{args.side}', **SETTINGS[setting]}
    swaps = {key: base.format(side=args.side) for key, base in swaps.items()}
    result = train_and_test(RECIPE, folder, seed, swaps, options(args))
    trained = json.loads((folder / 'train/result.json').read_text())
    return dict(
        minutes=round(trained['train_seconds'] / 60, 1),
        device=result['device'],
        **{name: result['scores'][key] for name, key in SCORES.items()},
        threshold=result['threshold']['used'],
        train_loss=last_loss(folder / 'train'),
    )


def last_loss(folder: Path, count: int = 5) -> float:
    """Mean of the last ``count`` training losses that were logged."""
    losses = list(read_history(folder)['loss'].values())[-count:]
    return sum(losses) / len(losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--settings', nargs='+', default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument('--dataset', default='crackforest')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--width', type=int, default=16, help='channels of the finest level')
    parser.add_argument('--side', type=int, default=256, choices=(256, 512), help='of the crops')
    parser.add_argument('--iterations', type=int, default=600)
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--root', type=Path, default=ROOT / 'work_dirs/crack_factors/exp/unet')
    parser.add_argument('--print', action='store_true', dest='only_print')
    args = parser.parse_args()
    for seed in args.seeds if not args.only_print else ():
        for setting in args.settings:
            key = (setting, args.dataset, seed, args.width, args.side, args.iterations, args.batch)
            if not TABLE.has(key):
                TABLE.append(key, run(setting, seed, args))
    print(TABLE.markdown(('setting', 'seed', *SCORES, 'threshold', 'train_loss')))


if __name__ == '__main__':
    main()

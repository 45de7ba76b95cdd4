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
import csv
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = next((ROOT / 'configs/unet').glob('unet_*.py'))
TABLE = ROOT / 'benchmarks/crack_factors.csv'
KEY = ('setting', 'dataset', 'seed', 'width', 'side', 'iterations', 'batch')
TAGS = ('deepcrack_tip-2px', 'macro-0px')
SCORES = {f'{name}@{tag}': f'{name}@{tag}' for tag in TAGS for name in ('ODS', 'OIS', 'AP')}
SCORES |= {'IoU': 'IoU.crack', 'Found': 'Found.crack', 'FalseAlarms': 'FalseAlarms'}
COLUMNS = (*KEY, 'minutes', 'device', *SCORES, 'threshold', 'best_at')
# What each setting swaps; {side} is that of the crops.
SETTINGS = {
    'unet': [],
    'unetpp': ['models=unetpp'],
    'attention_unet': ['models=attention_unet'],
    'resized': ['pipelines=crack_{side}_resized'],
    'clahe': ['pipelines=crack_{side}_clahe'],
    'bce': ['losses=bce'],
    'focal': ['losses=sigmoid_focal'],
}


def options(args: argparse.Namespace) -> list[str]:
    """Width of the network and length of the training."""
    width, pause = args.width, max(args.iterations // 8, 1)
    values = {
        'model.backbone.base_channels': width,
        'model.decode_head.in_channels': width,
        'model.decode_head.channels': width,
        'train_cfg.max_iters': args.iterations,
        'train_cfg.val_interval': pause,
        'default_hooks.checkpoint.interval': pause,
        'default_hooks.checkpoint.save_best': None,
        'train_dataloader.batch_size': args.batch,
    }
    return [f'{key}={value}' for key, value in values.items()]


def run(setting: str, seed: int, args: argparse.Namespace) -> dict[str, object]:
    """Train and test once; the row for the table."""
    folder = args.root / f'{setting}_{args.dataset}_{args.width}x{args.side}_{args.iterations}x{args.batch}'
    folder /= f'seed{seed}'
    swaps = {'datasets': args.dataset, 'pipelines': f'crack_{args.side}'}
    swaps |= dict(each.format(side=args.side).split('=') for each in SETTINGS[setting])
    common = ['--swap', *(f'{key}={name}' for key, name in swaps.items()), '--cfg-options', *options(args)]
    common += ['--work-dir', str(folder)]
    subprocess.run(command('train.py', *common, '--seed', str(seed), '--resume'), check=True)
    subprocess.run(command('test.py', str(folder), *common, '--show-dir', str(folder / 'overlays')), check=True)
    result = json.loads((folder / 'test/result.json').read_text())
    trained = json.loads((folder / 'train/result.json').read_text())
    scores = {name: result['scores'][key] for name, key in SCORES.items()}
    return dict(
        zip(KEY, key_of(setting, seed, args), strict=True),
        minutes=round(trained['train_seconds'] / 60, 1),
        device=result['device'],
        **{name: value if value is None else round(value, 4) for name, value in scores.items()},
        threshold=result['threshold']['used'],
        best_at=result['iteration'],
    )


def command(tool: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / 'tools' / tool), str(RECIPE), *arguments]


def key_of(setting: str, seed: int, args: argparse.Namespace) -> tuple[str, ...]:
    return tuple(map(str, (setting, args.dataset, seed, args.width, args.side, args.iterations, args.batch)))


def rows() -> list[dict[str, str]]:
    """The table as it is."""
    if not TABLE.exists():
        return []
    with TABLE.open(encoding='utf-8') as file:
        return list(csv.DictReader(file))


def append(row: dict[str, object]) -> None:
    with TABLE.open('a', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not file.tell():
            writer.writeheader()
        writer.writerow(row)


def markdown() -> str:
    """One line a run: the scores, each under the protocol and tolerance that it was measured with."""
    names = ('setting', 'seed', *SCORES, 'threshold')
    lines = ['| ' + ' | '.join(names) + ' |', '|' + '---|' * len(names)]
    return '\n'.join(lines + ['| ' + ' | '.join(row[name] for name in names) + ' |' for row in rows()])


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
            if key_of(setting, seed, args) not in {tuple(row[name] for name in KEY) for row in rows()}:
                append(run(setting, seed, args))
    print(markdown())


if __name__ == '__main__':
    main()

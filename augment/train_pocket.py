"""Train a pocket-sized stable diffusion XL on captioned windows, from scratch, for p2p_edit.py --model.

python tools/render_demo_data.py --words --out data/demo_words        # the windows
python augment/train_pocket.py                                        # data/demo_words -> data/pocket_sdxl
python augment/train_pocket.py --minutes 90                           # ends after 90 minutes of training
python augment/train_pocket.py --data data/mine --out data/pocket_mine --work work_dirs/pocket_mine

The same command again goes on where it was stopped. Exit code 1: the training had to stop, 2: wrong arguments, 3:
windows that cannot be used, 130: Ctrl-C.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ''):  # run by its path: import from the folder above, not from this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from augment.errors import UsageError, run_command_line

if TYPE_CHECKING:
    from augment.pocket.settings import TrainSettings


def parse_args() -> argparse.Namespace:
    """Folders, time, and the few numbers that people change."""
    parser = argparse.ArgumentParser(
        'train_pocket.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, default=Path('data/demo_words'), help='windows and captions.jsonl')
    parser.add_argument('--out', type=Path, default=Path('data/pocket_sdxl'), help='the model')
    parser.add_argument('--work', type=Path, default=Path('work_dirs/pocket'), help='checkpoints and curves')
    parser.add_argument(
        '--minutes', type=float, help='of training, at most: a quarter for the autoencoder (no limit)'
    )
    parser.add_argument('--vae-steps', type=int, metavar='N', help='of the autoencoder (6000)')
    parser.add_argument('--unet-steps', type=int, metavar='N', help='of UNet and text encoders (7000)')
    parser.add_argument('--batch', type=int, metavar='N', help='images a step (16); for a GPU 128')
    parser.add_argument(
        '--bf16', action='store_true', help='on a CPU with amx_bf16: the UNet in two thirds of the time'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (the first GPU, else the CPU)')
    parser.add_argument('--threads', type=int, metavar='N', help='of the CPU (one a core)')
    return parser.parse_args()


def main() -> None:
    """Train, write the model, say where it lies."""
    args = parse_args()
    if args.minutes is not None and args.minutes <= 0:
        raise UsageError(f'--minutes {args.minutes:g}: no time to train in')
    import torch
    from rich.console import Console

    from augment.job.device import find_place
    from augment.pocket.folder import folder_bytes
    from augment.pocket.job import Job, run

    if args.threads:
        torch.set_num_threads(args.threads)
    console = Console(stderr=True)
    run(Job(args.data, args.out, args.work, settings(args), find_place(args.device), console, args.minutes))
    print(f'{args.out}: {folder_bytes(args.out) / 1e6:.1f} MB; what it can do: {args.out / "README.md"}')


def settings(args: argparse.Namespace) -> 'TrainSettings':
    """The settings with what the command line says on top."""
    from augment.pocket.settings import TrainSettings

    default = TrainSettings(seed=args.seed, bf16=args.bf16)
    given = {name: {'steps': getattr(args, f'{name}_steps'), 'batch': args.batch} for name in ('vae', 'unet')}
    changed = {
        name: replace(getattr(default, name), **{key: value for key, value in each.items() if value is not None})
        for name, each in given.items()
    }
    return replace(default, **changed)


if __name__ == '__main__':
    run_command_line(main)

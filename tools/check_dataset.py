"""Check a data set before training on it: every pair, size, channel, value and file.

python tools/check_dataset.py data/mine                                      # a folder with img_dir and ann_dir
python tools/check_dataset.py configs/_base_/datasets/magnetic_tile.py       # a data-set base
python tools/check_dataset.py CONFIG --swap datasets=magnetic_tile           # a recipe on another set
python tools/check_dataset.py data/mine --out work_dirs/mine --workers 4

Prints how often each class occurs, weights for a focal loss, and everything that is wrong with its cause and cure;
draws class_shares.png. Exit code 0: clean, 2: wrong arguments, 3: problems in the data.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmseg_ext.arguments import add_swap, positive
from mmseg_ext.datasets.checkup import SetReport, check_set
from mmseg_ext.datasets.report import plot_shares, print_report
from mmseg_ext.errors import run_command_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('target', type=Path, metavar='CONFIG|DIR')
    parser.add_argument('--out', type=Path, help='folder for the plot; default: work_dirs/check/<name>')
    parser.add_argument(
        '--workers', type=positive, default=min(os.cpu_count() or 1, 8), help='files read at a time'
    )
    add_swap(parser)
    return parser.parse_args()


def check_with_progress(args: argparse.Namespace) -> SetReport:
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('checking pairs', total=None)
        return check_set(
            args.target, args.swap, args.workers, lambda done, n: bar.update(task, completed=done, total=n)
        )


def main() -> int:
    args = parse_args()
    report = check_with_progress(args)
    console = Console()
    print_report(report, console)
    if any(split.pixels.sum() for split in report.splits.values()):
        plot = (args.out or Path('work_dirs/check', report.name)) / 'class_shares.png'
        plot_shares(report, plot)
        console.print(f'plot: {plot}', soft_wrap=True)
    return 3 if report.problems else 0


if __name__ == '__main__':
    run_command_line(main)

"""Draw the demo data set: close-ups of worn blades with two rare, tiny defects.

python tools/render_demo_data.py                               # 120 + 40 + 40 pictures in data/demo_blade
python tools/render_demo_data.py --out data/blades --seed 7    # other pictures of the same kind
python tools/render_demo_data.py --out data/few --train 8 --val 4 --test 4

The same seed gives the same bytes. Classes: 0 background, 1 attached (golden built-up material), 2 broken (silver
fractures); about 99.77, 0.20 and 0.03 % of the pixels. Run again with the same settings: nothing is drawn twice.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mmseg_ext.errors import UsageError, run_command_line
from mmseg_ext.rendering import RenderSettings, render_set


class OneLineParser(argparse.ArgumentParser):
    """Answers a wrong argument in one line, as every other mistake is answered."""

    def error(self, message: str) -> None:
        raise UsageError(message)


def parse_args() -> argparse.Namespace:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('data/demo_blade'), help='default: data/demo_blade')
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    for split, count in (('train', 120), ('val', 40), ('test', 40)):
        parser.add_argument(f'--{split}', type=int, default=count, help=f'pictures; default: {count}')
    workers = min(os.cpu_count() or 1, 4)
    parser.add_argument('--workers', type=int, default=workers, help=f'processes; default here: {workers}')
    return parser.parse_args()


def render_with_progress(args: argparse.Namespace) -> tuple[dict, bool]:
    settings = RenderSettings(args.seed, args.train, args.val, args.test)
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task('drawing', total=settings.images)
        try:
            return render_set(args.out, settings, args.workers, lambda done, _: bar.update(task, completed=done))
        except OSError as error:
            raise UsageError(f'cannot write {args.out}: {error}') from error


def print_set(meta: dict, out: Path) -> None:
    """A line per split: pictures, share of the pixels and pictures per class; then where things are."""
    defects = meta['classes'][1:]
    table = Table(
        'split', 'images', *(f'{name} %' for name in meta['classes']), *(f'with {name}' for name in defects)
    )
    for split, stats in meta['stats'].items():
        shares = [f'{share:.3f}' for share in stats['pct'].values()]
        table.add_row(split, str(stats['images']), *shares, *(str(stats['images_with'][name]) for name in defects))
    console = Console()
    console.print(table)
    console.print(f'images {out}/img_dir, masks {out}/ann_dir, facts {out}/meta.json', soft_wrap=True)


def main() -> None:
    args = parse_args()
    meta, was_there = render_with_progress(args)
    if was_there:
        print('already there')
    print_set(meta, args.out)


if __name__ == '__main__':
    run_command_line(main)

"""Draw the demo data set: close-ups of worn blades with two rare, tiny defects.

python tools/render_demo_data.py                               # 120 + 40 + 40 pictures in data/demo_blade
python tools/render_demo_data.py --out /tmp/blades --seed 7    # other pictures of the same kind
python tools/render_demo_data.py --out /tmp/few --train 8 --val 4 --test 4

The same seed gives the same bytes. Classes: 0 background, 1 attached (golden built-up material), 2 broken (silver
fractures); about 99.77, 0.20 and 0.03 % of the pixels. Run again with the same settings: nothing is drawn twice.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmseg_ext.rendering import RenderSettings, render_set


class OneLineParser(argparse.ArgumentParser):
    """Usage errors in one line."""

    def error(self, message: str) -> None:
        self.exit(2, f'{self.prog}: {message}\n')


def parse_args() -> argparse.Namespace:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('data/demo_blade'), help='default: data/demo_blade')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--train', type=int, default=120, help='pictures to train on')
    parser.add_argument('--val', type=int, default=40)
    parser.add_argument('--test', type=int, default=40)
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 4), help='processes')
    return parser.parse_args()


def show(meta: dict, out: Path) -> None:
    """A line per split: pictures, share of pixels and pictures per class, and where things are."""
    table = Table('split', 'pictures', *(f'{name} %' for name in meta['classes']),
                  *(f'with {name}' for name in meta['classes'][1:]))  # fmt: skip
    for split, stats in meta['stats'].items():
        shares = (f'{share:.3f}' for share in stats['pct'].values())
        table.add_row(split, str(stats['images']), *shares, *map(str, list(stats['images_with'].values())[1:]))
    console = Console()
    console.print(table)
    console.print(f'images {out}/img_dir, masks {out}/ann_dir, facts {out}/meta.json', soft_wrap=True)


def main() -> None:
    args = parse_args()
    try:
        settings = RenderSettings(args.seed, args.train, args.val, args.test)
        meta, was_there = render_set(args.out, settings, args.workers)
    except (ValueError, OSError) as error:
        sys.exit(print(f'render_demo_data: {error}', file=sys.stderr) or 2)
    if was_there:
        print('already there')
    show(meta, args.out)


if __name__ == '__main__':
    main()

"""Draw the demo data set: close-ups of worn blades with two rare, tiny defects.

python tools/render_demo_data.py                               # 120 + 40 + 40 pictures in data/demo_blade
python tools/render_demo_data.py --out data/blades --seed 7    # other pictures of the same kind
python tools/render_demo_data.py --out data/few --train 8 --val 4 --test 4
python tools/render_demo_data.py --words                       # 6000 captioned windows in data/demo_words
python tools/render_demo_data.py --words --count 500 --size 96 --out data/few_words

The same seed gives the same bytes. Classes: 0 background, 1 attached (golden built-up material), 2 broken (silver
fractures); about 99.77, 0.20 and 0.03 % of the pixels. Run again with the same settings: nothing is drawn twice.
With --words: windows around single defects, most of them with a scratch, rust, peeling, corrosion, blistering or a
dent about the defect, each with its caption and the region that the word takes; for training a small image editor.
"""

import argparse
import os
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mmseg_ext.errors import UsageError, run_command_line
from mmseg_ext.rendering import RenderSettings, WordSettings, render_set, render_words
from mmseg_ext.rendering.settings import SPLITS


class OneLineParser(argparse.ArgumentParser):
    """Answers a wrong argument in one line, as every other mistake is answered."""

    def error(self, message: str) -> None:
        raise UsageError(message)


def parse_args() -> argparse.Namespace:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, help='default: data/demo_blade, with --words data/demo_words')
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    for split in SPLITS:
        parser.add_argument(f'--{split}', type=int, help=f'pictures; default: {getattr(RenderSettings, split)}')
    workers = min(os.cpu_count() or 1, 4)
    parser.add_argument('--workers', type=int, default=workers, help=f'processes; default here: {workers}')
    parser.add_argument('--words', action='store_true', help='draw captioned windows instead')
    parser.add_argument('--count', type=int, help=f'windows, with --words; default: {WordSettings.count}')
    parser.add_argument('--size', type=int, help=f'of a window, with --words; default: {WordSettings.size}')
    args = parser.parse_args()
    args.out = args.out or Path('data/demo_words' if args.words else 'data/demo_blade')
    return args


def settings_of(args: argparse.Namespace) -> RenderSettings | WordSettings:
    """What is asked for, of the kind that --words decides; UsageError for an option of the other kind."""
    given = {name: value for name in (*SPLITS, 'count', 'size') if (value := getattr(args, name)) is not None}
    kind = WordSettings if args.words else RenderSettings
    strange = sorted(set(given) - {field.name for field in fields(kind)})
    if strange:
        raise UsageError(f'--{strange[0]} does not go {"with" if args.words else "without"} --words')
    return kind(seed=args.seed, **given)


def render_with_progress(args: argparse.Namespace) -> tuple[dict, bool]:
    settings = settings_of(args)
    draw, total = (render_words, settings.count) if args.words else (render_set, settings.images)
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task('drawing', total=total)
        try:
            return draw(args.out, settings, args.workers, lambda done, _: bar.update(task, completed=done))
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


def print_words(meta: dict, out: Path) -> None:
    """A line each for splits, nouns and words: how many windows; then where things are."""
    for name, counts in meta['stats'].items():
        print(f'{name:<6} ' + ', '.join(f'{key} {count}' for key, count in counts.items()))
    print(f'images {out}/images, labels {out}/labels, regions {out}/regions, captions {out}/captions.jsonl')


def main() -> None:
    args = parse_args()
    meta, was_there = render_with_progress(args)
    if was_there:
        print('already there')
    (print_words if args.words else print_set)(meta, args.out)


if __name__ == '__main__':
    run_command_line(main)

"""Look at what a network really sees: samples behind the whole pipeline, normalisation and padding.

python tools/browse_dataset.py CONFIG                                   # -> work_dirs/browse/<recipe>-train
python tools/browse_dataset.py CONFIG --swap datasets=mine --raw        # beside each, its image as it is on disk
python tools/browse_dataset.py CONFIG --split test --count 8 --out look

Draws sheet.png (all samples with masks: classes tinted, ignored areas and padding hatched) and samples/*.png.
They come from the loader of the config, seeded as in training: they are what a training with that seed sees first.
Prints how often the network meets each class, against the masks on disk: whether rare classes are met at all, and
what the pipeline does for them; then sizes, normalised channels and time.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmseg_ext.arguments import add_recipe_options, positive
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import recipe_name
from mmseg_ext.errors import run_command_line
from mmseg_ext.reports.browse import Statistics, View, open_view, raw_statistics
from mmseg_ext.reports.browse_pictures import draw_view
from mmseg_ext.reports.browse_table import class_table, facts


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='a recipe, or the config.py of a run')
    parser.add_argument('--out', type=Path, help='default: work_dirs/browse/<recipe>-<split>')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--count', type=positive, default=24, help='pictures; default: 24')
    parser.add_argument('--samples', type=positive, default=200, help='samples that are counted; default: 200')
    parser.add_argument('--seed', type=int, help="of the draws; default: the config's")
    parser.add_argument('--raw', action='store_true', help='also show each image as it lies on disk')
    add_recipe_options(parser)
    return parser.parse_args()


def look(args: argparse.Namespace) -> tuple[View, Statistics, Statistics | None, Path]:
    cfg = load_config(args.config, args.swap, args.cfg_options)
    name = recipe_name(args.config, args.swap, args.cfg_options)
    folder = args.out or Path('work_dirs/browse', f'{name}-{args.split}')
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        drawing, counting = (bar.add_task(what, total=None) for what in ('drawing samples', 'counting the masks'))
        view = open_view(cfg, args.split, args.seed)
        seen = draw_view(
            view,
            folder,
            args.count,
            args.samples,
            args.raw,
            lambda done, n: bar.update(drawing, completed=done, total=n),
        )
        raw = raw_statistics(cfg, args.split, lambda done, n: bar.update(counting, completed=done, total=n))
    return view, seen, raw, folder


def main() -> None:
    args = parse_args()
    view, seen, raw, folder = look(args)
    console = Console()
    console.print(class_table(seen, raw, args.split))
    for line in facts(seen, view):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f'{folder}/sheet.png, {folder}/samples', soft_wrap=True)


if __name__ == '__main__':
    run_command_line(main)

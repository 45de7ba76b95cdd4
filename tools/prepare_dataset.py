"""Bring a public download, as it comes, into the layout that all data sets here share.

python tools/prepare_dataset.py magnetic_tile --src DOWNLOAD             # -> data/magnetic_tile
python tools/prepare_dataset.py cracktree260 --src DOWNLOAD --split 85 15 0
python tools/prepare_dataset.py pairs --src MINE --mask-suffix _mask.png --out data/mine \\
    --classes background scratch --values 0=0 255=1 128=255              # any images with masks
python tools/prepare_dataset.py pairs --images A --masks B --out data/mine \\
    --classes background scratch --values '#000000=0' '#ff0000=scratch' --group-by '^(.+)_'
python tools/prepare_dataset.py pairs --help                             # the options of one source

Official splits are kept. Elsewhere the split is drawn by the seed: pictures of one object stay together, and every
class is spread as evenly as can be. The download is not changed; the same download and options write the same
bytes. index.csv names the origin of every picture, meta.json the command and the counts. Exit code 2: wrong
arguments or folder, 3: masks that cannot be used.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmseg_ext.arguments import positive
from mmseg_ext.datasets.prepare import SOURCES, Options, Prepared, prepare_set
from mmseg_ext.datasets.prepare.report import data_root, print_prepared
from mmseg_ext.errors import UsageError, run_command_line

CURVES = ('cracktree260', 'crkwh100', 'crackls315', 'stone331')
ALIASES = {'camvid': ['camvid11']}  # the name of its base


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_subparsers(dest='name', required=True, metavar='NAME', title='sources')
    for name, source in SOURCES.items():
        help_ = f'expects {source.expected}'.replace('%', '%%')
        own = sources.add_parser(name, aliases=ALIASES.get(name, []), help=help_, description=help_)
        own.set_defaults(name=name)
        add_common(own, name)
        if name in (*CURVES, 'pairs'):
            own.add_argument('--images', type=Path, metavar='DIR', help='folder of the images')
            own.add_argument('--masks', type=Path, metavar='DIR', help='folder of the masks')
        if name == 'stone331':
            own.add_argument('--surface', type=Path, metavar='DIR', help='folder of the masks of the surface')
        if name == 'seggpt':
            own.add_argument('--binary', action='store_true', help='one class for all kinds of defect')
        if name == 'pairs':
            add_pairs(own)
    return parser


def add_common(parser: argparse.ArgumentParser, name: str) -> None:
    """What every source understands."""
    default = SOURCES[name].base
    parser.add_argument('--src', type=Path, required=name != 'pairs', metavar='DOWNLOAD', help='the unpacked set')
    place = f'default: {data_root() / default}' if default else 'folder of the new set'
    parser.add_argument('--out', type=Path, required=not default, help=place)
    parser.add_argument('--seed', type=int, default=0, help='of the split; default: 0')
    shares = 'shares where no split is official; default: 70 15 15'
    parser.add_argument('--split', nargs=3, type=share, metavar=('TRAIN', 'VAL', 'TEST'), help=shares)
    parser.add_argument('--link', action='store_true', help='hard-link the images instead of copying them')
    parser.add_argument('--overwrite', action='store_true', help='replace the set in --out')
    parser.add_argument('--overlap', action='store_true', help='keep overlapping views together (n² comparisons)')
    parser.add_argument('--workers', type=positive, default=min(os.cpu_count() or 1, 8), help='files at a time')


def add_pairs(parser: argparse.ArgumentParser) -> None:
    """What only a person's own images need."""
    parser.add_argument('--classes', nargs='+', required=True, metavar='NAME', help='the background first')
    parser.add_argument('--values', nargs='+', default=[], metavar='VALUE=CLASS', help='CLASS: index, name or 255')
    parser.add_argument('--threshold', type=positive, metavar='GREY', help='class 1 from here on; two classes')
    parser.add_argument('--image-suffix', metavar='.jpg')
    parser.add_argument('--mask-suffix', metavar='_mask.png')
    parser.add_argument('--group-by', metavar='REGEX', help='finds the object in a stem; objects stay together')


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is no share; give three such as 70 15 15')
    return value


def make_options(args: argparse.Namespace) -> Options:
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in vars(args).items()}
    name = given.pop('name')
    if given['split'] and not sum(given['split']):
        raise UsageError('--split 0 0 0: nothing would be written; give shares such as 70 15 15')
    if not given['src']:
        if not (args.images and args.masks):
            raise UsageError('pairs: give --src, or --images and --masks')
        given['src'] = Path(os.path.commonpath([args.images.absolute(), args.masks.absolute()]))
    return Options(**{**given, 'out': args.out or data_root() / SOURCES[name].base})


def prepare_with_progress(name: str, options: Options) -> Prepared:
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        return prepare_set(name, options, show)


def main() -> None:
    args = build_parser().parse_args()
    prepared = prepare_with_progress(args.name, make_options(args))
    print_prepared(prepared, SOURCES[args.name].base_for(prepared.classes), Console())


if __name__ == '__main__':
    run_command_line(main)

"""Read corrected labels of edits back into their set.

python augment/import_labels.py data/wta_512_peeling                          # review/labelme, as labelme saved it
python augment/import_labels.py data/wta_512_peeling --from instances.json    # COCO, as CVAT and others export it
python augment/import_labels.py data/wta_512_peeling --from painted           # a folder of masks
python augment/import_labels.py data/wta_512_peeling --dry-run                # only say what would change

Everything is checked first: one unknown image, class name, value or size, and nothing is written. Exit code 0:
imported, 2: nothing to import, 3: something is wrong with the corrections.
"""

import argparse
import sys
from pathlib import Path

if __package__ in (None, ''):  # run by its path: import from the folder above, not from this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from augment.errors import UsageError, run_command_line
from augment.labels.corrections import Correction, read_corrections
from augment.labels.importing import IMPORTED, apply, class_names, planned
from augment.report.write import write_report


def parse_args() -> argparse.Namespace:
    """The set, and where its corrections are."""
    parser = argparse.ArgumentParser(
        'import_labels.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='set of edits')
    parser.add_argument(
        '--from',
        dest='source',
        type=Path,
        metavar='FILE|DIR',
        help='labelme files, a COCO file, or masks; default: review/labelme in the set',
    )
    parser.add_argument('--dry-run', action='store_true', help='write nothing')
    return parser.parse_args()


def read_with_progress(source: Path, classes: tuple[str, ...]) -> tuple[list[Correction], list[str]]:
    """The corrections and what is wrong with them, under a bar."""
    console = Console(stderr=True)
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task('reading', total=None)
        return read_corrections(source, classes, lambda done, n: bar.update(task, completed=done, total=n))


def main() -> None:
    """Read, check, write, and say what changed."""
    args = parse_args()
    classes = class_names(args.out)
    source = args.source or args.out / 'review' / 'labelme'
    changes = planned(args.out, *read_with_progress(source, classes), classes)
    changed = [change for change in changes if change.pixels]
    try:
        if not args.dry_run:
            apply(args.out, changes)
            if (args.out / 'report.html').is_file():
                write_report(args.out)
    except OSError as error:
        raise UsageError(f'cannot write {args.out}: {error}; what is written so far is complete') from error
    for change in changed:
        print(change.told(classes))
    same = len(changes) - len(changed)
    told = f'{len(changes)} labels read from {source}: {len(changed)} changed, {same} as before'
    print(told + ('; nothing written' if args.dry_run else f'; noted in {args.out / IMPORTED}'))


if __name__ == '__main__':
    run_command_line(main)

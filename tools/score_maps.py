"""ODS, OIS and AP of stored probability maps, from any network, against masks of the same stem.

python tools/score_maps.py maps data/crackforest/ann_dir/test              # all protocols, each with its tolerance
python tools/score_maps.py maps masks --protocol deepcrack_tip --tolerance 2 --out curve.csv
python tools/score_maps.py maps masks --protocol bsds --thin --one-to-one  # slow: each threshold's mask is thinned

Maps: grey images of 8 or 16 bits, or .npy with floats in 0..1. Masks: 0/1 or 0/255; beside 1, 255 is not scored.
Scores of different protocols or tolerances cannot be compared. Exit code 0: scored, 2: wrong arguments, 3: files
that could not be used.
"""

import argparse
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mmseg_ext.errors import UsageError, run_command_line
from mmseg_ext.evaluation.map_counter import MapCounter
from mmseg_ext.evaluation.maps import ScoredMaps, find_maps, score_maps, write_curves
from mmseg_ext.files import folder_problem
from mmseg_ext.functional.threshold_curves import PROTOCOLS

COLUMNS = ('ODS', 'OIS', 'AP', 'threshold', 'precision', 'recall')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('maps', type=Path, metavar='MAPS')
    parser.add_argument('masks', type=Path, metavar='MASKS')
    parser.add_argument('--protocol', nargs='+', choices=PROTOCOLS, default=list(PROTOCOLS), help='default: all')
    parser.add_argument('--tolerance', type=float, help="distance in pixels; default: each protocol's own")
    parser.add_argument('--thin', action='store_true', help='thin the truth and the mask of every threshold; slow')
    parser.add_argument('--one-to-one', action='store_true', help='a pixel may serve one other only; slow')
    parser.add_argument('--out', type=Path, help='a CSV file for the curves')
    return parser.parse_args()


def counters(args: argparse.Namespace) -> list[MapCounter]:
    try:
        return [MapCounter(name, args.tolerance, args.thin, args.one_to_one) for name in args.protocol]
    except ValueError as error:
        raise UsageError(f'--tolerance {args.tolerance}: {error}') from error


def score_with_progress(args: argparse.Namespace) -> list[ScoredMaps]:
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    chosen, pairs, console = counters(args), find_maps(args.maps, args.masks), Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {stage: bar.add_task(stage, total=len(pairs)) for stage in ('reading masks', 'scoring maps')}
        return score_maps(pairs, chosen, lambda stage, done, _: bar.update(tasks[stage], completed=done))


def print_table(scored: list[ScoredMaps]) -> None:
    table = Table('protocol', *COLUMNS, box=box.SIMPLE_HEAD)
    for one in scored:
        values = [one.scores[f'{name}@{one.tag}'] for name in COLUMNS]
        table.add_row(one.tag, *('–' if value != value else f'{value:.4f}' for value in values))
    Console(width=100, color_system=None).print(table)


def main() -> None:
    args = parse_args()
    problem = args.out and folder_problem(args.out.absolute().parent)
    if problem:
        raise UsageError(f'--out {problem}')
    scored = score_with_progress(args)
    print_table(scored)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_curves(args.out, scored)
        print(f'curves: {args.out}')


if __name__ == '__main__':
    run_command_line(main)

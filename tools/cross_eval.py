"""Train on one data set, test on the others: what a network has learnt beyond the photographs of its own set.

python tools/cross_eval.py work_dirs/cracks            # every finished run of a project, on all their data sets
python tools/cross_eval.py RUN RUN --datasets crackforest deepcrack
python tools/cross_eval.py work_dirs/cracks --metrics mIoU_fg ODS OIS FalseAlarms --out cross

Prints a matrix a score: rows are training sets (seeds of one recipe become mean ± deviation), columns tested ones.
Leaves in --out: cross_eval.html (one file that needs no network), cross_eval.md, cross_eval.csv (a line for each
run, set and score) and cross_eval_<score>.png. Results of single runs lie in <run>/<split>-on-<set>: what is there
and still right is not judged again, so that an evaluation that was cut goes on with the same command.
"""

import argparse
import time
from pathlib import Path

from mmseg_ext.engine.cross import BASES, cross_evaluate
from mmseg_ext.errors import run_command_line
from mmseg_ext.files import writable_folder
from mmseg_ext.reports.matrix import matrices
from mmseg_ext.reports.matrix_text import markdown, notes_of
from mmseg_ext.reports.page.matrix import write_matrices
from mmseg_ext.sweeps.progress.describe import duration


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', nargs='+', type=Path, metavar='RUN', help='folders of runs, or of projects')
    parser.add_argument(
        '--datasets', nargs='+', metavar='NAME', help=f'files in {BASES}; default: the sets of the runs'
    )
    parser.add_argument('--split', choices=('test', 'val'), default='test')
    parser.add_argument(
        '--metrics', nargs='+', default=[], metavar='SCORE', help='default: mIoU_fg, and ODS under all protocols'
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/cross_eval'), help='default: %(default)s')
    return parser.parse_args()


class Teller:
    """Says before each judging which it is, and how long the rest takes at the pace so far."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        passed = time.monotonic() - self.start
        left = f', about {duration(passed / done * (total - done))} left' if done else ''
        print(f'{done + 1}/{total} {what}{left}', flush=True)


def main() -> None:
    args = parse_args()
    writable_folder(args.out)  # hours may pass before anything is written there
    tested, left_out = cross_evaluate(args.runs, args.datasets, args.split, progress=Teller())
    shown = matrices(tested, args.metrics)
    print(markdown(shown, [*notes_of(tested, shown), *left_out]))
    for path in write_matrices(tested, shown, args.out, left_out):
        print(path)


if __name__ == '__main__':
    run_command_line(main)

"""Which word to edit defects with: three steps, each word's reason, and what noise says to it.

python tools/select_augmentation.py work_dirs/words             # after the sweep configs/sweeps/words.yaml
python tools/select_augmentation.py work_dirs/P --sweep words   # of a project with several sweeps
python tools/select_augmentation.py --table benchmarks/source_words.csv --tolerance 0.05      # given numbers

Step 1 drops every word that lowers any score against the baseline, the first row of the table. Step 2 marks best
and second best of every score among the rest. Step 3 takes the word with most best marks, then with most second
best. Beside it stands what a rule would choose that drops only what lowers a score by more than the noise of test
images and trainings.
"""

import argparse
import shutil
from pathlib import Path

from mmseg_ext.errors import UsageError, run_command_line
from mmseg_ext.reports.comparison.given import read_given
from mmseg_ext.reports.comparison.records import Comparison, read_project
from mmseg_ext.reports.comparison.selection import select
from mmseg_ext.reports.comparison.selection_text import selection_text
from mmseg_ext.reports.comparison.text import choose


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('project', type=Path, nargs='?', help='the folder of a project, such as work_dirs/words')
    parser.add_argument('--sweep', help='which of its sweeps; default: the only one')
    parser.add_argument('--table', type=Path, help='a CSV file with the headings of a table instead of a project')
    parser.add_argument('--tolerance', type=float, default=0.0, help='points that a score may fall in step 1')
    return parser.parse_args()


def comparison_of(args: argparse.Namespace) -> Comparison:
    if (args.project is None) == (args.table is None):
        raise UsageError('give either the folder of a project or --table FILE.csv')
    if args.table:
        return read_given(args.table)
    chosen = choose(read_project(args.project).comparisons, args.sweep, args.project)
    if len(chosen) > 1:
        names = '|'.join(comparison.name for comparison in chosen)
        raise UsageError(f'{args.project}: several sweeps there; say which one: --sweep {names}')
    return chosen[0]


def main() -> None:
    args = parse_args()
    width = min(max(shutil.get_terminal_size((100, 0)).columns, 80), 120)
    selections = select(comparison_of(args), args.tolerance)
    print('\n\n'.join(selection_text(selection, width) for selection in selections))


if __name__ == '__main__':
    run_command_line(main)

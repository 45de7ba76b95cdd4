"""Compare the runs of a project: tables here, and a page to look at.

python tools/report.py work_dirs/default                     # prints the tables; the report goes beside the runs
python tools/report.py work_dirs/default --out report

Writes report.html (one file that needs no network: tables to sort, differences with their noise, bars, curves,
precision and recall of lines, confusion matrices, worst images), tables.md (for a text) and results.csv (a line a
run). Works while runs are under way, too: those that failed are listed with the reason, those without a result yet
are counted.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmseg_ext.errors import run_command_line
from mmseg_ext.reports.comparison.text import project_text
from mmseg_ext.reports.page import write_report


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('project', type=Path, help='folder of a project, such as work_dirs/default')
    parser.add_argument('--out', type=Path, help="folder of the report; default: the project's")
    return parser.parse_args()


def write_with_progress(args: argparse.Namespace) -> list[Path]:
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('writing the report', total=None)
        return write_report(args.project, args.out, lambda done, n: bar.update(task, completed=done, total=n))


def main() -> None:
    args = parse_args()
    paths = write_with_progress(args)
    print(project_text(args.project))
    for path in paths:
        print(path)


if __name__ == '__main__':
    run_command_line(main)

"""Train and test many recipes, one process each, and compare them.

python tools/sweep.py --project P --sweep configs/sweeps/losses.yaml    # -> work_dirs/P: runs, tables, report.html
python tools/sweep.py --project P --sweep configs/sweeps/losses.yaml --dry-run      # what is there, what is left
python tools/sweep.py --project P --sweep configs/sweeps/losses.yaml --gpus 4       # four runs at once
python tools/sweep.py --project P configs/fast_scnn/*.py configs/ann/*.py --swap datasets=mine --seeds 0 1 2

The same command again does what is left: finished runs are skipped, cut ones resumed, failed ones tried again.
Ctrl-C lets the runs under way save first. Exit code 1 when a run has failed, 130 after Ctrl-C.
"""

from mmseg_ext.errors import run_command_line
from mmseg_ext.sweeps.cli import read_plans, run_plans, sweep_parser


def main() -> int:
    args = sweep_parser(__doc__).parse_args()
    return run_plans(read_plans(args), args)


if __name__ == '__main__':
    run_command_line(main)

"""Print the best weights of a run by the mean of its validation metrics.

python bash/find_best.py work_dirs/P/exp/fast_scnn/RECIPE/seed0                  # the mean of aAcc, mIoU and mAcc
python bash/find_best.py work_dirs/P/exp/fast_scnn/RECIPE/seed0 --metrics mIoU_fg,mAcc_fg
python bash/find_best.py work_dirs/P                                             # a line for every run in it
python tools/test.py CONFIG $(python bash/find_best.py RUN)

The paths go to the standard output, the scores and what is wrong to the standard error. A validation with a metric
that is not a number never wins, and of equals the first does. A run keeps the best weights by one metric and the
last ones; when those with the best mean are gone, the best that are left are printed, and how to keep them all.
"""

import argparse
import sys
from pathlib import Path

from mmseg_ext.engine.best import METRICS, Best, find_best, find_runs
from mmseg_ext.errors import UsageError, run_command_line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folders', nargs='+', type=Path, metavar='FOLDER', help='runs, or a project with runs')
    names = ','.join(METRICS)
    parser.add_argument('--metrics', default=names, help=f'names with commas between them; default: {names}')
    args = parser.parse_args()
    metrics = [name.strip() for name in args.metrics.split(',') if name.strip()]
    failed = 0
    for run in find_runs(args.folders):
        try:
            best = find_best(run, metrics)
        except UsageError as error:
            print(f'error: {error}', file=sys.stderr)
            failed = error.exit_code
        else:
            print(best.checkpoint)
            print(f'{run}: {scores_text(best, metrics)}', file=sys.stderr)
    return failed


def scores_text(best: Best, metrics: list[str]) -> str:
    """The score, and where better weights have gone."""
    line = f'mean of {", ".join(metrics)} {best.score:.2f} at iteration {best.iteration}'
    if best.is_top:
        return line
    return (
        f'{line}; {best.top_score:.2f} at iteration {best.top_iteration} was better, but is not kept: '
        'train with --cfg-options +default_hooks.checkpoint.max_keep=100, or …checkpoint.save_best=METRIC'
    )


if __name__ == '__main__':
    run_command_line(main)

"""Search for better settings of a recipe: Optuna proposes, runs are trained, the validation split decides.

python tools/search.py CONFIG --space configs/sweeps/space_losses.yaml --trials 30 --project P
python tools/search.py CONFIG --space … --trials 30 --objective mIoU_fg --objective FalseAlarms   # a Pareto front
python tools/search.py CONFIG --space … --trials 30 --swap datasets=mine --gpus 4                 # four at once
python tools/search.py CONFIG --space … --trials 30 --storage postgresql://user:password@host/db  # many machines

Leaves work_dirs/<project>/search/<study>/: report.html, best.py (the best trial as a recipe), confirm.yaml (a
sweep that puts it to the test), journal.log (the study) and a folder for each trial.

--trials is how many trials the study has in the end. So the same command again continues it, a larger number adds
trials, and the same command on several machines that share the folder (or a database, --storage) shares them.
Trials of a process that died go on from their last checkpoint. Ctrl-C lets the trials under way save. A failed
trial counts and keeps its reason. A study is bound to recipe, space and objectives; others need another --study.

Scores are those of the best validation weights, which the recipe's save_best chooses; the test split is never
looked at. They are optimistic, as the best of many always is, so run confirm.yaml before believing them. The first
trial is the recipe as it is, if the space holds its values. One trial at a time, --seed repeats a search exactly;
with several, what is proposed depends on what happens to be finished. All trials train with the recipe's own seed.

Exit code 1 when no trial has finished, 2 for wrong arguments, 130 after Ctrl-C.
"""

import argparse
from pathlib import Path

from mmseg_ext.arguments import add_recipe_options, positive
from mmseg_ext.errors import run_command_line
from mmseg_ext.sweeps.engines.choose import add_engine_options, make_engine
from mmseg_ext.sweeps.search import require_optuna
from mmseg_ext.sweeps.search.request import PRUNERS, make_request


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='the recipe to improve')
    parser.add_argument(
        '--space', type=Path, required=True, metavar='FILE', help='what varies: configs/sweeps/space_*'
    )
    parser.add_argument('--trials', type=positive, required=True, metavar='N', help='of the study in the end')
    add_recipe_options(parser)
    what = (
        'a score of the validation split, :max or :min; default: mIoU_fg. Several: a Pareto front, without pruning'
    )
    parser.add_argument('--objective', action='append', default=[], metavar='METRIC[:min]', help=what)
    how = 'when to give a trial up: below the median of the others (median), that and no gain for two validations '
    how += '(patient), not among the best third (halving), never (none); default: median'
    parser.add_argument('--pruner', choices=PRUNERS, default='median', help=how)
    parser.add_argument('--project', default='default', help='folder below --work-dir; default: default')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs'), help='default: work_dirs')
    parser.add_argument('--study', metavar='NAME', help='default: from the names of recipe and space')
    place = 'a journal file, or the URL of a database; default: journal.log in the folder of the study'
    parser.add_argument('--storage', metavar='FILE|URL', help=place)
    parser.add_argument('--seed', type=int, default=0, help='of what is proposed; default: 0')
    parser.add_argument('--timeout', type=positive, metavar='SECONDS', help='after which no trial is begun')
    add_engine_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    require_optuna()
    from mmseg_ext.sweeps.search.search import run_search  # needs Optuna, an extra

    request = make_request(args)
    engine = make_engine(args, request.trials)
    try:
        run_search(request, engine)
    finally:
        engine.close()


if __name__ == '__main__':
    run_command_line(main)

"""Train one run, or go on where it was cut, and judge its best weights on the test split.

python -m mmseg_ext.sweeps.engines.worker CONFIG --work-dir FOLDER --swap losses=dice_ce  # -> FOLDER/{train,test}

What a sweep starts, one process a run. The folder belongs to one process at a time; what is finished is not done
again. When the standard input is a pipe and ends, because whoever started this process is gone, the run saves
after its iteration and stops, as on SIGTERM.
"""

import os
import signal
import stat
import sys
from argparse import Namespace
from threading import Thread
from typing import Any

from mmseg_ext.engine.cli import Plan, plan_run, report_run, training_parser
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.results import identity
from mmseg_ext.engine.training import best_checkpoint, train
from mmseg_ext.errors import DataError, run_command_line
from mmseg_ext.files import read_json, writable_folder
from mmseg_ext.sweeps.engines.lock import exclusive
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.progress.status import state

HOW_TRAINED = ('train_seconds', 'resumed')  # what a test result repeats of the training's


def main() -> None:
    """The command line of a run."""
    parser = training_parser(__doc__)
    parser.add_argument('--no-test', dest='test', action='store_false', help='train and validate only')
    args = parser.parse_args()
    if args.work_dir is None:
        parser.error('--work-dir is needed: the folder of the run')
    end_with_starter()
    with exclusive(writable_folder(args.work_dir)):
        if is_finished(args):
            print(f'{args.work_dir}: this run is finished, nothing is left to do')
        else:
            work(args)


def is_finished(args: Namespace) -> bool:
    """Whether the result that is asked for is there, such as by a process that this one has waited for."""
    job = Job(args.config, args.work_dir, tuple(args.swap), args.cfg_options, args.seed, args.test)
    result = job.folder / ('test' if job.test else 'train') / 'result.json'
    return result.is_file() and state(job) == 'finished'


def work(args: Namespace) -> None:
    """Check everything, train what is left to train, judge, and print the result."""
    plan = plan_run(args, ('train', 'val', 'test') if args.test else ('train', 'val'))
    trained = train_run(plan)
    if args.test:
        report_run(judge_run(plan, trained), plan.folder / 'test')
    else:
        report_run(trained, plan.folder / 'train')


def train_run(plan: Plan) -> dict[str, Any]:
    """The result of the training, which is resumed or even finished already.

    Raises DataError when it was finished on other data than there is now.
    """
    before = read_json(plan.folder / 'train/result.json')
    if before:
        now = identity(plan.cfg, 'val')
        if before['config_hash'] == now['config_hash'] and before['data_hash'] != now['data_hash']:
            raise DataError(
                f'{plan.folder / "train"}: the training images or masks have changed since this run was trained; '
                'delete the folder to train it anew, or choose another project'
            )
    return train(plan.cfg, plan.folder, resume=True)


def judge_run(plan: Plan, trained: dict[str, Any]) -> dict[str, Any]:
    """The result of the best weights on the test split."""
    best = best_checkpoint(plan.folder / 'train/ckpt')
    how = {name: trained[name] for name in HOW_TRAINED}
    return judge(plan.cfg, best, 'test', plan.folder / 'test', training=how)


def end_with_starter() -> None:
    """Stop this process, as SIGTERM does, once its standard input ends; one that is no pipe says nothing."""
    if sys.stdin is not None and stat.S_ISFIFO(os.fstat(0).st_mode):
        Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    # Not sys.stdin: its lock would be held in the loaders' processes, which are forked while this thread waits.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == '__main__':
    run_command_line(main)

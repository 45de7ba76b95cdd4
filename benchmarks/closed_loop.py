"""Do edits of few photographs make a network better? The whole loop on rendered blades: edit, train, choose.

python benchmarks/closed_loop.py                         # edits by data/pocket_sdxl: 55 minutes of CPU
python benchmarks/closed_loop.py --model FOLDER --preset FILE.toml --steps 50 --project closed_loop_again
python benchmarks/closed_loop.py --dry-run               # what is done, what is left, how long it takes
python benchmarks/closed_loop.py --only-data             # the sets alone
python benchmarks/closed_loop.py --print                 # what came out last, as Markdown

Twenty training photographs, and six sets in which each of them stands beside its edit towards one word. Fast-SCNN
is trained on every set, on what else could be done with twenty photographs, and, with a second network, on the
edits under several labels: the plans configs/sweeps/closed_loop*.yaml, by p2p_edit.py, run_main.sh, report.py and
select_augmentation.py, as a user would call them. Seed after seed: each time the seeds of a plan are through, its
rows are appended to closed_loop.csv and closed_loop.md is written anew. The same command again does what is left.
For other edits delete data/closed_loop, and give another --project: they are another training.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import closed_loop_data as data
from closed_loop_labels import policy_table
from closed_loop_text import report
from run_table import ROOT, RunTable

from augment.config.settings import WORDS
from mmseg_ext.errors import RunError, UsageError, run_command_line
from mmseg_ext.files import write_text
from mmseg_ext.reports.comparison.records import Project, RunRecord, read_project

PLANS = ('closed_loop', 'closed_loop_controls', 'closed_loop_labels')  # that of the words first
SCORES = ('IoU.attached', 'Acc.attached', 'IoU.broken', 'Acc.broken', 'mIoU_fg', 'mAcc_fg', 'FalseAlarms')
TABLE = RunTable(
    ROOT / 'benchmarks/closed_loop.csv',
    ('plan', 'network', 'arm', 'seed', 'data'),
    ('iterations', *SCORES, 'minutes', 'device'),
)
TEXT = TABLE.path.with_suffix('.md')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='pocket', help='that edits, as for p2p_edit.py; default: pocket')
    parser.add_argument('--preset', default='pocket', help='of the edits; default: pocket')
    parser.add_argument('--steps', type=int, default=20, help='of the edits; default: 20')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], help='of the trainings')
    parser.add_argument('--project', default='closed_loop', help='folder of the runs in work_dirs')
    parser.add_argument('--gpus', type=int, default=0, help='a run each; default: 0, the CPU')
    parser.add_argument('--jobs', type=int, default=1, help='runs at once on a CPU; default: 1')
    parser.add_argument('--dry-run', action='store_true')
    parser.add_argument('--only-data', action='store_true')
    parser.add_argument('--print', action='store_true', dest='only_print')
    return parser.parse_args()


def sweep(args: argparse.Namespace, *more: str) -> None:
    """All plans by bash/run_main.sh. A run that fails is listed by it and stops nothing."""
    plans = [f'configs/sweeps/{name}.yaml' for name in PLANS]
    jobs = [] if args.gpus else ['--jobs', str(args.jobs)]
    command = ['bash', 'bash/run_main.sh', '--project', args.project, '--gpus', str(args.gpus)]
    _run([*command, *jobs, '--sweep', *plans, *more], fine=(0, 1))


def _run(command: list[str], fine: tuple[int, ...] = (0,)) -> None:
    # One thread a run: many runs on few cores, and threads that wait for each other slow a training down.
    environment = {'OMP_NUM_THREADS': '1', **os.environ, 'PYTHON': sys.executable}
    code = subprocess.run(command, env=environment).returncode
    if code not in fine:
        raise RunError(f'exit code {code} from {shlex.join(command)}')


def append_rows(project: Project) -> None:
    """A row for each finished run that has none yet, under the name that it has in each plan."""
    for plan, network, arm, run in finished(project):
        key = (plan, network, arm, run.seed, run.result['data_hash'])
        if not TABLE.has(key):
            TABLE.append(key, values(run))


def finished(project: Project) -> Iterator[tuple[str, str, str, RunRecord]]:
    """Plan, network and arm of every run that was judged."""
    for comparison in project.comparisons:
        for row in comparison.rows:
            yield from ((comparison.name, row.model, row.group, run) for run in row.finished)


def values(run: RunRecord) -> dict[str, object]:
    """What the row of a run says."""
    scores = {name: run.result['scores'][name] for name in SCORES}
    minutes = round(run.training['train_seconds'] / 60, 1)
    return dict(iterations=run.iterations, **scores, minutes=minutes, device=run.result['device'])


def write_report(folder: Path) -> None:
    """``closed_loop.csv`` and ``closed_loop.md`` from the runs that are finished."""
    project = read_project(folder)
    append_rows(project)
    edits = {word: len(data.edited(word)) for word in WORDS}
    labels = 'What the label policies do to truly rendered words, whose true label is the copied one (percent):'
    write_text(TEXT, '\n\n'.join([report(project, PLANS, edits), labels, policy_table()]) + '\n')


def choose(folder: Path) -> None:
    """The report, and the word that its results choose."""
    _run([sys.executable, 'tools/report.py', str(folder)])
    _run([sys.executable, 'tools/select_augmentation.py', str(folder), '--sweep', PLANS[0]])


def told() -> str:
    """``closed_loop.md``; UsageError before there is one."""
    if not TEXT.is_file():
        raise UsageError(f'{TEXT}: nothing has been measured yet; run this without --print')
    return TEXT.read_text(encoding='utf-8')


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)  # plans and tools name what lies in the project
    folder = Path('work_dirs') / args.project
    if args.dry_run:
        for command in data.commands(args.model, args.preset, args.steps):
            print('first: python', shlex.join(command.words))
        sweep(args, '--dry-run')
        return
    if not args.only_print:
        data.prepare(args.model, args.preset, args.steps)
        for seed in args.seeds if not args.only_data else ():
            sweep(args, '--seeds', str(seed))
            write_report(folder)
    if not args.only_data and not args.only_print:
        choose(folder)
    if not args.only_data:
        print(told())


if __name__ == '__main__':
    run_command_line(main)

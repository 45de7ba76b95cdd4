"""From the command line of a sweep to its plans, and through them."""

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmseg_ext.arguments import add_recipe_options
from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines.choose import add_engine_options, make_engine
from mmseg_ext.sweeps.plans.plan import Plan, plan_recipes, read_plan
from mmseg_ext.sweeps.progress.describe import describe
from mmseg_ext.sweeps.sweep import run_sweep


def sweep_parser(description: str) -> ArgumentParser:
    """What tools/sweep.py understands."""
    parser = ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('recipes', nargs='*', type=Path, help='recipes to train as they are, or with --swap')
    parser.add_argument('--sweep', nargs='+', type=Path, default=[], metavar='FILE', help='plans: configs/sweeps')
    add_recipe_options(parser)
    parser.add_argument('--seeds', nargs='+', type=int, metavar='K', help='a run each; default: those of the plan')
    parser.add_argument('--project', default='default', help='folder below --work-dir; default: default')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs'), help='default: work_dirs')
    parser.add_argument('--dry-run', action='store_true', help='what is done, what is left, how long it takes')
    add_engine_options(parser)
    return parser


def read_plans(args: Namespace) -> list[Plan]:
    """The plans that ``args`` name: files, or one made of recipes. UsageError when that is neither or both."""
    project = project_folder(args.work_dir, args.project)
    if bool(args.sweep) == bool(args.recipes):
        raise UsageError('give either --sweep and its files, or recipes such as configs/quick/demo_blade.py')
    if args.recipes:
        return [plan_recipes(args.recipes, project, args.swap, args.cfg_options, args.seeds or (0,))]
    if args.swap or args.cfg_options:
        raise UsageError('--swap and --cfg-options go with recipes; a plan has its own: write them into its file')
    return [read_plan(file, project, args.seeds) for file in args.sweep]


def project_folder(work_dir: Path, name: str) -> Path:
    """``<work_dir>/<name>``; UsageError for a name that is no single folder."""
    if not name.strip() or name in ('.', '..') or Path(name).name != name:
        raise UsageError(f'--project {name!r}: a name for a folder in {work_dir} is needed, such as blades')
    return work_dir / name


def run_plans(plans: list[Plan], args: Namespace) -> int:
    """Do the plans one after the other, or describe them; the exit code, 1 when a run has failed."""
    engine = make_engine(args, max(len(plan.jobs) for plan in plans))
    try:
        if args.dry_run:
            print('\n\n'.join(describe(plan, engine.slots) for plan in plans))
            return 0
        ended = [each for plan in plans for each in run_sweep(plan, engine)]
    finally:
        engine.close()
    return int(any(each.code for each in ended))

"""What must be on the disk before the runs of a plan can begin."""

from collections import Counter
from pathlib import Path

from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import Plan

CURE = 'data/README.md says where data sets come from, and MMSEG_EXT_DATA is the folder they are looked for in'


def to_prepare(plan: Plan) -> dict[str, str]:
    """The commands of ``plan.prepare`` that must still be run, by the path that each of them makes."""
    return {path: command for path, command in plan.prepare.items() if not Path(path).exists()}


def missing_data(plan: Plan, configs: JobConfigs | None = None) -> dict[Path, int]:
    """How many runs need each data folder that is not there and that ``prepare`` does not make."""
    configs, needed = configs or JobConfigs(), Counter()
    for job in plan.jobs:
        splits = ('train', 'val', 'test') if job.test else ('train', 'val')
        needed.update({folder for split in splits for folder in configs.of(job).missing(split)})
    made = [Path(path).absolute() for path in plan.prepare]
    return {
        folder: runs
        for folder, runs in needed.items()
        if not any(folder.absolute().is_relative_to(path) for path in made)
    }


def needs_text(plan: Plan, configs: JobConfigs | None = None) -> list[str]:
    """A line for every preparation and every missing folder, and one that says what to do about the latter."""
    missing = missing_data(plan, configs)
    lines = [f'first: {command}   ({path} is not there)' for path, command in to_prepare(plan).items()]
    lines += [f'missing: {folder}, which {runs} of {len(plan.jobs)} runs need' for folder, runs in missing.items()]
    return [*lines, CURE] if missing else lines

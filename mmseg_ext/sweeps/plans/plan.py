"""What a sweep is to do: the lines of a table, each one recipe on one group, by several seeds.

A plan is a YAML file (``configs/sweeps/*.yaml``, see ``plan_file``), or a list of recipes from a command line.
Every job has the folder that tools/train.py would give the run, so plans of one project share their runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmseg_ext.engine.overrides import read_recipe, swapped_bases
from mmseg_ext.errors import UsageError
from mmseg_ext.files import read_json, write_json
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.job_maker import JobMaker
from mmseg_ext.sweeps.plans.options import merged, merged_swaps, received
from mmseg_ext.sweeps.plans.plan_file import Part, read_plan_file, seeds_problem

PLANS = 'sweeps'  # the folder of a project that keeps its plans


@dataclass(frozen=True)
class Line:
    """A line of the table: one model, one group (data set, loss …), a job for each seed."""

    model: str
    group: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Plan:
    """The runs of one table, in its order.

    ``columns`` are the headings above model and group. ``marks`` is ``change`` (better or worse than the first
    group of the model) or ``best`` (best and second best of the column). ``project`` is ``work_dirs/<project>``.
    ``prepare`` has the paths that must exist before the first run, each with the command that makes it.
    """

    name: str
    title: str
    columns: tuple[str, str]
    marks: str
    project: Path
    lines: tuple[Line, ...]
    prepare: dict[str, str] = field(default_factory=dict, hash=False)

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs in the order of the lines; a run that stands in two lines is done once."""
        return tuple({job.folder: job for job in self._all_jobs()}.values())

    def _all_jobs(self) -> Iterator[Job]:
        for line in self.lines:
            yield from line.jobs


def read_plan(path: str | Path, project: str | Path, seeds: Sequence[int] | None = None) -> Plan:
    """The plan of a YAML file for ``work_dirs/<project>``; ``seeds`` replace those of the file.

    Every line is merged, so that a plan which can be read has recipes, swaps and options that exist. Raises
    UsageError with a line for each thing that is wrong.
    """
    said = read_plan_file(path)
    maker = JobMaker(Path(project), _checked(said.seeds if seeds is None else seeds))
    groups = said.groups or (Part(''),)
    lines = [_line(maker, said.common, recipe, group) for recipe in said.recipes for group in groups]
    maker.raise_problems(f'{path}: ')
    return Plan(Path(path).stem, said.title, said.columns, said.marks, Path(project), tuple(lines), said.prepare)


def _line(maker: JobMaker, common: Part, recipe: Part, group: Part) -> Line:
    """One line; in a plan without groups, the data set stands for the group."""
    swaps = merged_swaps((*common.swaps, *recipe.swaps, *group.swaps))
    options = merged(common.options, recipe.options, group.options)
    place = ' / '.join(filter(None, (recipe.label, group.label)))
    jobs = maker.jobs(recipe.recipe, swaps, options, place)
    return Line(recipe.label, group.label or _base(jobs, 'datasets'), jobs)


def plan_recipes(
    recipes: Iterable[str | Path],
    project: str | Path,
    swaps: Iterable[str] = (),
    options: dict[str, Any] | None = None,
    seeds: Sequence[int] = (0,),
    name: str = 'recipes',
) -> Plan:
    """A plan of recipe files as they are, or all with the same swaps and options: a line for each of them."""
    maker = JobMaker(Path(project), _checked(seeds))
    options, problems = received(options or {})
    for problem in problems:
        maker.note(f'--cfg-options {problem}')
    every = [maker.jobs(Path(recipe), merged_swaps(swaps), options, '') for recipe in dict.fromkeys(recipes)]
    maker.raise_problems()
    if not every:
        raise UsageError('no recipe to train; give the files of some, such as configs/quick/demo_blade.py')
    lines = (Line(_base(jobs, 'models'), jobs[0].folder.parent.name, jobs) for jobs in every)
    return Plan(name, 'Recipes', ('Model', 'Recipe'), 'best', Path(project), tuple(lines))


def _base(jobs: tuple[Job, ...], folder: str) -> str:
    """The name of a base of these jobs; of a merged config, which has none, the folder of the model."""
    if not jobs:
        return ''
    bases, _ = swapped_bases(read_recipe(jobs[0].recipe), jobs[0].swaps)
    return bases[folder].stem if folder in bases else jobs[0].folder.parents[1].name


def _checked(seeds: Sequence[int]) -> Sequence[int]:
    problem = seeds_problem(list(seeds))
    if problem:
        raise UsageError(problem)
    return seeds


def save_plan(plan: Plan) -> Path:
    """Write ``<project>/sweeps/<name>.json``, which tells the report what belongs together.

    Seeds of an earlier call that have been begun stay in their line.
    """
    file = plan.project / PLANS / f'{plan.name}.json'
    file.parent.mkdir(parents=True, exist_ok=True)
    before = _rows_of(file)
    rows = [
        dict(model=line.model, group=line.group, runs=_with_earlier(_runs(plan, line), before, plan.project))
        for line in plan.lines
    ]
    write_json(file, dict(name=plan.name, title=plan.title, columns=plan.columns, marks=plan.marks, rows=rows))
    return file


def _rows_of(file: Path) -> list[str]:
    """All runs of a plan that was saved before, relative to the project."""
    return [run for row in (read_json(file) or {'rows': []})['rows'] for run in row['runs']]


def _runs(plan: Plan, line: Line) -> list[str]:
    return [job.folder.relative_to(plan.project).as_posix() for job in line.jobs]


def _with_earlier(runs: list[str], before: list[str], project: Path) -> list[str]:
    """``runs`` and the begun ones among ``before`` that differ from them in the seed alone, by their seeds."""
    parents = {Path(run).parent for run in runs}
    earlier = {run for run in before if Path(run).parent in parents and (project / run).is_dir()}
    return sorted({*runs, *earlier}, key=lambda run: int(Path(run).name.removeprefix('seed')))

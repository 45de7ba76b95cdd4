"""A plan as a table for the terminal: what there is to do, how far it is, how long it takes, what is missing."""

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.needs import needs_text
from mmseg_ext.sweeps.plans.plan import Plan
from mmseg_ext.sweeps.progress.estimate import estimates
from mmseg_ext.sweeps.progress.status import STATES, Standing, standings

MOST = 40  # runs that get a line each; with more of them the seeds of a line share one


@dataclass(frozen=True)
class Outlook:
    """Standing of every run by its folder, and the seconds that the unfinished ones need (None: unknown)."""

    plan: Plan
    standings: dict[Path, Standing]
    seconds: dict[Path, float | None]

    @property
    def found(self) -> list[Standing]:
        """The standings in the order of the jobs."""
        return [self.standings[job.folder] for job in self.plan.jobs]


def outlook(plan: Plan, configs: JobConfigs) -> Outlook:
    """Look at the folders of all runs. What a resumed run need not repeat is taken off its time."""
    found = standings(plan.jobs, configs)
    unfinished = [job for job in plan.jobs if found[job.folder].state != 'finished']
    seconds = estimates(unfinished, plan.project, configs)
    for job in unfinished:
        done = found[job.folder].iterations / configs.of(job).cfg.train_cfg.max_iters
        if seconds[job.folder] is not None:
            seconds[job.folder] *= max(1 - done, 0)
    return Outlook(plan, found, seconds)


def describe(plan: Plan, slots: int, width: int = 110) -> str:
    """The plan's runs with state and time, the totals with ``slots`` runs at once, and what is missing for it."""
    configs = JobConfigs()
    look = outlook(plan, configs)
    title = f'{plan.title}: {_count(len(plan.jobs), "run")} in {plan.project}'
    return '\n'.join([title, _rendered(_table(look), width), totals(look, slots), *needs_text(plan, configs)])


def _table(look: Outlook) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in (*look.plan.columns, 'Seed', 'State', 'Time', ''):
        table.add_column(name, justify='right' if name == 'Time' else 'left', overflow='fold')
    single, before = len(look.plan.jobs) <= MOST, ''
    for line in look.plan.lines:
        names = (line.model if line.model != before else '', line.group)
        for jobs in [(job,) for job in line.jobs] if single else [line.jobs]:
            table.add_row(*names, *_row(look, jobs))
            names, before = ('', ''), line.model
    return table


def _row(look: Outlook, jobs: tuple[Job, ...]) -> tuple[str, str, str, str]:
    """Seeds, states, seconds left and notes of one row."""
    found = [look.standings[job.folder] for job in jobs]
    seeds = ' '.join('–' if job.seed is None else str(job.seed) for job in jobs)
    notes = dict.fromkeys(standing.note for standing in found if standing.note)
    return seeds, found[0].state if len(found) == 1 else _counts(found), _time(look, jobs), '; '.join(notes)


def _counts(found: list[Standing]) -> str:
    """``2 finished, 1 new``."""
    counts = Counter(standing.state for standing in found)
    return ', '.join(f'{counts[state]} {state}' for state in STATES if counts[state])


def _time(look: Outlook, jobs: tuple[Job, ...]) -> str:
    left = [look.seconds[job.folder] for job in jobs if job.folder in look.seconds]
    known = [seconds for seconds in left if seconds is not None]
    if not left:
        return ''
    return duration(sum(known)) if len(known) == len(left) else '?'


def totals(look: Outlook, slots: int) -> str:
    """``18 runs: 2 finished, 16 new; about 3 h 20 min with 2 at once, …``."""
    said = _counts(look.found)
    left = list(look.seconds.values())
    if not left:
        return f'{said}; nothing is left to do'
    known = [seconds for seconds in left if seconds is not None]
    unknown = len(left) - len(known)
    at_once = f'with {min(slots, len(left))} at once'
    if not known:
        return f'{said}; how long they take is unknown until the first one has finished'
    # No run can be split: the longest one is the least that it takes.
    time = f'about {duration(max(sum(known) / slots, *known))} {at_once}'
    return f'{said}; {time}' + (f', and {_count(unknown, "run")} of unknown length' if unknown else '')


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``: as exact as a plan can be."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f'{seconds:.0f} s'
    if minutes < 60:
        return f'{minutes} min'
    hours = minutes // 60
    return f'{hours} h {minutes % 60:02d} min' if hours < 24 else f'{hours // 24} d {hours % 24} h'


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}{"" if number == 1 else "s"}'


def _rendered(table: Table, width: int) -> str:
    text = io.StringIO()
    # Labels are anybody's: no markup, no emoji.
    Console(file=text, width=width, color_system=None, markup=False, emoji=False).print(table)
    return '\n'.join(line.rstrip() for line in text.getvalue().rstrip('\n').splitlines())

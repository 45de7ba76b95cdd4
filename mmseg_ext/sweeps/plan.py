"""What a sweep is to do: the lines of a table, each one recipe on one group, by several seeds.

A plan is a YAML file (``configs/sweeps/*.yaml``), or a list of recipes from a command line. Every job has the
folder that tools/train.py would give the run, so plans of one project share their runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mmseg_ext.sweeps.jobs import Job


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

"""The head of the page: what was run, when, by which code, on which machine; and what has no result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from mmseg_ext.reports.comparison.cells import ScoreTable, Unfinished
from mmseg_ext.reports.comparison.records import Project, RunRecord

SHOWN = 3  # values of one fact by name


@dataclass(frozen=True)
class Facts:
    """Counts and words about all runs of a project; ``when`` is that of the newest result."""

    name: str
    runs: int
    finished: int
    failed: int
    seeds: str
    images: str
    when: str
    commits: str
    machines: str


def facts_of(project: Project, unfinished: Sequence[Unfinished]) -> Facts:
    """The facts of all runs, each counted once however many plans name it."""
    runs = list(
        {run.folder: run for each in project.comparisons for row in each.rows for run in row.runs}.values()
    )
    done = [run for run in runs if run.result is not None]
    return Facts(
        name=project.folder.resolve().name,
        runs=len(runs),
        finished=len(done),
        failed=sum(each.state == 'failed' for each in unfinished),
        seeds=_listed(sorted({run.seed for run in done if run.seed is not None})),
        images=_listed(sorted({run.result['images'] for run in done})),
        when=_when(done),
        commits=_listed(_short_commit(run.result.get('commit')) for run in done),
        machines=_listed(run.result.get('device') for run in done),
    )


def without_result(tables: Iterable[ScoreTable]) -> list[Unfinished]:
    """The runs without a result, each once, those that failed before those that have not been made yet."""
    found: dict[Path, Unfinished] = {}
    for each in chain.from_iterable(table.unfinished for table in tables):
        found.setdefault(each.run.folder, each)
    return sorted(found.values(), key=lambda each: ('failed', 'begun', 'new').index(each.state))


def log_of(unfinished: Unfinished) -> str:
    """Where what the run printed can be read; empty when there is no such file."""
    log = unfinished.run.folder / (unfinished.run.failure or {}).get('log', 'log.txt')
    return str(log) if log.is_file() else ''


def _when(done: Sequence[RunRecord]) -> str:
    times = [datetime.fromisoformat(run.result['finished']) for run in done if 'finished' in run.result]
    return max(times).astimezone().strftime('%Y-%m-%d %H:%M') if times else '–'


def _short_commit(commit: str | None) -> str:
    head, plus, changes = (commit or '').partition('+')
    return f'{head[:10]}{plus}{changes}' or 'unknown'


def _listed(values: Iterable) -> str:
    """Different values in their order, the first few by name."""
    different = [str(value) for value in dict.fromkeys(values)]
    more = f' and {len(different) - SHOWN} more' if len(different) > SHOWN + 1 else ''
    return ', '.join(different[:SHOWN] if more else different) + more or '–'

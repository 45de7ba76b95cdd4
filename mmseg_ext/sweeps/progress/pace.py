"""How far the runs under way are, and how long the rest takes at the pace so far."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

from mmseg_ext.sweeps.engines.reasons import last_attempt
from mmseg_ext.sweeps.jobs import LOG, Job

ITERATION = re.compile(r'Iter\(train\) \[ *(\d+)/(\d+)\]')


def share_done(job: Job) -> float | None:
    """The share of its iterations that a run has trained, by its log; None before the first line of progress."""
    found = ITERATION.findall(last_attempt(job.folder / LOG))
    return int(found[-1][0]) / int(found[-1][1]) if found else None


class Pace:
    """Counts the work of a sweep, a run being 1, and how fast it goes; what a resumed run has brought is none."""

    def __init__(self) -> None:
        self._begun, self._worked = time.monotonic(), 0.0
        self._since: float | None = None  # when the first progress was seen: what comes before is the start
        self._first: dict[Path, float] = {}
        self._latest: dict[Path, float] = {}

    def look(self, jobs: Iterable[Job]) -> None:
        """Read how far the runs under way are."""
        for job in jobs:
            share = share_done(job)
            if share is not None:
                self._since = self._since or time.monotonic()
                self._first.setdefault(job.folder, share)
                self._latest[job.folder] = share

    def end(self, job: Job, finished: bool) -> None:
        """A run is over; of a failed one nothing is left to do either."""
        brought = self._first.pop(job.folder, 0.0)
        self._worked += 1 - brought if finished else self._latest.get(job.folder, brought) - brought
        self._latest.pop(job.folder, None)

    @property
    def under_way(self) -> float:
        """The sum of the shares of the runs under way."""
        return sum(self._latest.values())

    def seconds_left(self, runs: int) -> float | None:
        """Seconds until ``runs`` runs, those under way among them, are over; None before the first progress."""
        worked = self._worked + sum(share - self._first[folder] for folder, share in self._latest.items())
        if worked <= 0:
            return None
        return (runs - self.under_way) * (time.monotonic() - (self._since or self._begun)) / worked

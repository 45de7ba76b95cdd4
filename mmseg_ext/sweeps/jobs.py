"""What an engine is asked to do, and what it answers: one process a run."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mmseg_ext.sweeps.plans.options import words as option_words

WORKER = 'mmseg_ext.sweeps.engines.worker'  # the module that is the process of a run
LOG = 'log.txt'  # everything the process of a run printed, in the folder of the run; a resumed run appends
FAILURE = 'failure.json'  # why the last attempt at a run ended early; gone as soon as the next one begins


@dataclass(frozen=True)
class Job:
    """One run to train, and to judge on the test split unless ``test`` is False, in ``folder``.

    ``swaps`` and ``options`` are those of tools/train.py; an option's value is what the config gets, as long as it
    survives a command line (see ``options.received``).
    """

    recipe: Path
    folder: Path
    swaps: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    seed: int | None = None
    test: bool = True

    def command(self) -> list[str]:
        """The command line of its process, to be started in the current folder."""
        words = [sys.executable, '-m', WORKER, str(self.recipe), '--work-dir', str(self.folder)]
        words += ['--swap', *self.swaps] if self.swaps else []
        words += ['--cfg-options', *option_words(self.options)] if self.options else []
        words += [] if self.seed is None else ['--seed', str(self.seed)]
        return words if self.test else [*words, '--no-test']


@dataclass(frozen=True)
class Ended:
    """How the process of a job ended: ``code`` 0, another exit code, or minus the signal that killed it.

    ``reason`` is one line for people, empty when all went well; ``seconds`` are those since the start.
    """

    job: Job
    code: int
    seconds: float
    reason: str = ''


class Engine(Protocol):
    """Where jobs are done: processes of this machine, or of a cluster."""

    slots: int  # how many jobs at once

    def start(self, job: Job) -> None:
        """Begin a job; at most ``slots`` may be under way."""

    def ended(self, timeout: float) -> list[Ended]:
        """The jobs that have ended since the last call; waits up to ``timeout`` seconds for the first one."""

    def stop(self, job: Job) -> None:
        """Ask a job to finish its iteration, save and end; it is then among ``ended``. Asked again: at once."""

    def close(self) -> None:
        """Stop what is left and give everything back."""

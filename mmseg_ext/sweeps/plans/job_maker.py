"""From a recipe with swaps and options to its jobs, one a seed; what is wrong is collected, to be told at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg_ext.engine.overrides import merge_config
from mmseg_ext.engine.recipe import config_hash, recipe_name, run_folder
from mmseg_ext.errors import UsageError, listed
from mmseg_ext.sweeps.jobs import Job


class JobMaker:
    """Makes the jobs of one project. Recipes that do not exist or cannot be merged are noted with their place."""

    def __init__(self, project: Path, seeds: Sequence[int]) -> None:
        self.project, self.seeds = project, tuple(seeds)
        self._problems: dict[str, list[str]] = {}
        self._hashes: dict[Path, str] = {}

    def jobs(self, recipe: Path, swaps: tuple[str, ...], options: dict[str, Any], place: str) -> tuple[Job, ...]:
        """A job for each seed, in the folders that tools/train.py would take; none after noting a problem."""
        try:
            cfg, problems = merge_config(recipe, swaps, options)
        except UsageError as error:
            problems = [str(error)]
        for problem in problems:
            self.note(problem, place)
        if problems:
            return ()
        folder = self._folder(recipe, recipe_name(recipe, swaps, options))
        if self._hashes.setdefault(folder, config_hash(cfg)) != config_hash(cfg):
            self.note(f'another line trains something else in {folder}; rename one of the recipes', place)
        return tuple(
            Job(recipe, self._folder(recipe, folder.name, seed), swaps, options, seed) for seed in self.seeds
        )

    def _folder(self, recipe: Path, name: str, seed: int | None = None) -> Path:
        return run_folder(recipe, name, seed, self.project.name, self.project.parent)

    def note(self, problem: str, place: str = '') -> None:
        """Remember what is wrong; the same in several places is told once."""
        self._problems.setdefault(problem, []).append(place)

    def raise_problems(self, source: str = '') -> None:
        """UsageError with a line for every problem and the first place where it was met."""
        if self._problems:
            raise UsageError(listed(f'{source}{_met(*each)}' for each in self._problems.items()))


def _met(problem: str, places: list[str]) -> str:
    others = f' and {len(places) - 1} more' if len(places) > 1 else ''
    return f'{problem} ({places[0]}{others})' if places[0] else problem

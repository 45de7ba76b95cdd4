"""What a run trains, as its command line says it: a recipe with swaps and options."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.overrides import load_config, merge_config
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.options import merged, merged_swaps, words


@dataclass(frozen=True)
class Setting:
    """A recipe with swaps and options as tools/train.py takes them."""

    recipe: Path
    swaps: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def changed(self, swaps: tuple[str, ...] = (), options: dict[str, Any] | None = None) -> 'Setting':
        """The same with more swaps and options, which win over those that are there."""
        return Setting(self.recipe, merged_swaps([*self.swaps, *swaps]), merged(self.options, options or {}))

    def config(self) -> Config:
        """The merged config; UsageError when a swap or an option does not fit the recipe."""
        return load_config(self.recipe, self.swaps, self.options)

    def checked(self) -> tuple[Config, list[str]]:
        """The merged config without the swaps and options that do not fit, and what is wrong with those."""
        return merge_config(self.recipe, self.swaps, self.options)

    def job(self, folder: Path) -> Job:
        """The run in ``folder`` that trains it and judges it on the validation split alone."""
        return Job(self.recipe, folder, self.swaps, self.options, test=False)

    def command(self) -> str:
        """The line for a shell that trains it as any other run."""
        said = ['python', 'tools/train.py', str(self.recipe)]
        said += ['--swap', *self.swaps] if self.swaps else []
        said += ['--cfg-options', *words(self.options)] if self.options else []
        return shlex.join(said)

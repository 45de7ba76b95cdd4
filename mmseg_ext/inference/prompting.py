"""Models that are asked by example: what they are shown before an image, and in how many tiles they see both."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.inference.prompt_folder import PromptFolder, PromptPair, read_prompt
from mmseg_ext.inference.reading import Image
from mmseg_ext.models.seggpt.gate import check_gate
from mmseg_ext.models.seggpt.prompts import Prompts
from mmseg_ext.models.seggpt.split import Split, Tile

KEPT = 8  # sets of prompts that stay ready for the network, where a mapping gives each query its own
CURE = 'give --prompt-img-dir and --prompt-label-dir, or --prompt with the file of an in-context tuning'


@dataclass(frozen=True)
class Prompting:
    """How a SegGPT is asked; what is None is as its config says.

    Args:
        prompts: the folders they lie in, or the file that in-context tuning wrote; None for a model that has
            learnt its own.
        split: n: the network sees images, and prompts, in n x n tiles; see ``Split``, also for the next two.
        stitch: tiles overlap and fade into each other.
        prompt_tiles: the part of a prompt that is shown, 'defect', 'all' or 'whole'.
        gate: the score (0..1) that a prediction needs to count, see ``mmseg_ext.models.seggpt.gate``; None for no
            gate. It costs a pass for each prompt wherever something is found.

    UsageError for values that do not go together.
    """

    prompts: PromptFolder | Path | None = None
    split: int | None = None
    stitch: bool | None = None
    prompt_tiles: str | None = None
    gate: float | None = None

    def __post_init__(self) -> None:
        check_gate(self.gate)
        if self.gate is not None and not isinstance(self.prompts, PromptFolder):
            raise UsageError(
                f'gate {self.gate:g}: a learnt prompt shows no mask that a prediction could lead back to; '
                'leave the gate out, or give prompts with labels'
            )

    @property
    def test_cfg(self) -> dict[str, Any]:
        """What of a model's ``test_cfg`` is another."""
        given = {name: getattr(self, name) for name in ('split', 'stitch', 'prompt_tiles', 'gate')}
        return {name: value for name, value in given.items() if value is not None}


class Prompter:
    """Shows a model the prompts of each image, just before the image. ``split``: in what tiles the model is to see
    both.

    UsageError when the model takes no prompts, or needs some and there are none.
    """

    def __init__(self, model: nn.Module, prompting: Prompting):
        self.model, self.prompting = model, prompting
        self.shown: tuple[PromptPair, ...] = ()
        self.prepared = lru_cache(KEPT)(self._prepare)
        model.test_cfg.update(prompting.test_cfg)
        self.split = Split.of(model.test_cfg)
        if isinstance(prompting.prompts, Path):
            model.set_prompts(Prompts.load(prompting.prompts))

    def show(self, query: Image) -> None:
        """Prepare the model for an image. DataError for prompts that cannot be used."""
        if not isinstance(self.prompting.prompts, PromptFolder):
            return
        pairs = self.prompting.prompts.of(query)
        if pairs != self.shown:
            self.model.set_prompts(self.prepared(pairs))
            self.shown = pairs

    def _prepare(self, pairs: tuple[PromptPair, ...]) -> Prompts:
        prompts = [self._read(pair) for pair in pairs]
        return self.model.make_prompts(*zip(*prompts, strict=True))

    def _read(self, pair: PromptPair) -> Tile:
        """DataError when the network would see no defect in any tile."""
        image, label = map(torch.from_numpy, map(np.ascontiguousarray, read_prompt(pair)))
        prompt, size = Tile(image.permute(2, 0, 1), label), self.model.network.size
        if not any(tile.visible(size) for tile in self.split.tiles(prompt)):
            what = f'nothing is left of its defect at the {size} x {size} px of the network'
            raise DataError(
                f'{pair.label}: {what}; show a larger one, or look closer: --split {self.split.count + 1}'
            )
        return prompt


def find_prompter(model: nn.Module, prompting: Prompting | None) -> Prompter | None:
    """The one who shows ``model`` its prompts; None for a model that takes none and is given none.

    UsageError when it takes none and is given some, or when it needs some.
    """
    if not hasattr(model, 'set_prompts'):
        if prompting is None:
            return None
        raise UsageError(f'{type(model).__name__} takes no prompts; leave out the options for them')
    prompting = prompting or Prompting()
    if prompting.prompts is None and model.learnable is None:
        raise UsageError(f'{type(model).__name__} is asked by example and has none; {CURE}')
    return Prompter(model, prompting)

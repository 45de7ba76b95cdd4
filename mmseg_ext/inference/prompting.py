"""Models that are asked by example: what they are shown before an image, and in how many tiles they see both."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mmseg_ext.datasets.transforms.window import source_index
from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.inference.prompt_folder import Prompt, PromptFolder, PromptPair, read_prompt
from mmseg_ext.inference.reading import Image
from mmseg_ext.inference.tiles import Split
from mmseg_ext.models.seggpt.gate import check_gate
from mmseg_ext.models.seggpt.prompts import Prompts

PROMPT_TILES = ('defect', 'all', 'whole')
KEPT = 8  # sets of prompts that stay ready for the network, where a mapping gives each query its own
CURE = 'give --prompt-img-dir and --prompt-label-dir, or --prompt with the file of an in-context tuning'


@dataclass(frozen=True)
class Prompting:
    """How a SegGPT is asked.

    Args:
        prompts: the folders they lie in, or the file that in-context tuning wrote; None for a model that has
            learnt its own.
        split: n: the network sees images in n x n tiles.
        stitch: tiles overlap and fade into each other, see ``Split``.
        prompt_tiles: the part of a prompt that is shown. 'defect': the tiles, cut as the image's are, that show
            the defect; 'all': all tiles; 'whole': the image in one piece. Several tiles are shown together, so
            each tile of the image costs a row of the network for each of them: n^4 rows an image and prompt
            with 'all'.
        gate: the score (0..1) that a prediction needs to count, see ``mmseg_ext.models.seggpt.gate``; None for no
            gate. It costs a pass for each prompt wherever something is found.

    UsageError for values that do not go together.
    """

    prompts: PromptFolder | Path | None = None
    split: int = 1
    stitch: bool = False
    prompt_tiles: str = 'defect'
    gate: float | None = None

    def __post_init__(self) -> None:
        check_gate(self.gate)
        Split(self.split, self.stitch)
        if self.prompt_tiles not in PROMPT_TILES:
            raise UsageError(f'prompt_tiles {self.prompt_tiles!r}: expected one of {", ".join(PROMPT_TILES)}')
        if self.gate is not None and not isinstance(self.prompts, PromptFolder):
            raise UsageError(
                f'gate {self.gate:g}: a learnt prompt shows no mask that a prediction could lead back to; '
                'leave the gate out, or give prompts with labels'
            )

    @property
    def tiling(self) -> Split:
        """How images are cut."""
        return Split(self.split, self.stitch)


class Prompter:
    """Shows a model the prompts of each image, just before the image.

    UsageError when the model takes no prompts, or needs some and there are none.
    """

    def __init__(self, model: nn.Module, prompting: Prompting):
        self.model, self.prompting = model, prompting
        self.shown: tuple[PromptPair, ...] = ()
        self.prepared = lru_cache(KEPT)(self._prepare)
        if prompting.gate is not None:
            model.test_cfg['gate'] = prompting.gate
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
        split = Split() if self.prompting.prompt_tiles == 'whole' else self.prompting.tiling
        parts = [part for pair in pairs for part in self._parts(pair, split)]
        images = [torch.from_numpy(np.ascontiguousarray(part.image)).permute(2, 0, 1) for part in parts]
        return self.model.make_prompts(images, [torch.from_numpy(part.label.copy()) for part in parts])

    def _parts(self, pair: PromptPair, split: Split) -> list[Prompt]:
        """The tiles of a prompt that are shown. DataError when the network would see no defect in any of them."""
        tiles, size = cut(read_prompt(pair), split), self.model.network.size
        showing = [tile for tile in tiles if reduced_label(tile.label, size).any()]
        if not showing:
            what = f'nothing is left of its defect at the {size} x {size} px of the network'
            raise DataError(f'{pair.label}: {what}; show a larger one, or look closer: --split {split.count + 1}')
        return tiles if self.prompting.prompt_tiles == 'all' else showing


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


def cut(prompt: Prompt, split: Split) -> list[Prompt]:
    """The tiles of a prompt, row by row."""
    rows, columns = split.spans(*prompt.label.shape)
    return [
        Prompt(*(array[top:bottom, left:right] for array in prompt))
        for top, bottom in rows
        for left, right in columns
    ]


def reduced_label(label: np.ndarray, size: int) -> np.ndarray:
    """The label (size, size) that a network of that size sees of one (H, W): of each pixel its centre."""
    rows, columns = (source_index(size, side) for side in label.shape)
    return label[rows][:, columns]

"""Invert photographs once, then edit them towards any number of words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from augment.config.settings import EditSettings
from augment.editing.results import EditResult
from augment.editing.runtime import Runtime
from augment.editing.targets import Target

if TYPE_CHECKING:
    from diffusers import StableDiffusionXLPipeline

    from augment.inversion.result import Inversion

Progress = Callable[[str, int, int], None]


class Editor:
    """Inversion and prompt-to-prompt editing with one SDXL pipeline.

    Every method is deterministic: nothing is drawn at random. ``progress(stage, done, total)`` is called after each
    step of the long stages.
    """

    def __init__(
        self,
        pipe: StableDiffusionXLPipeline,
        settings: EditSettings = EditSettings(),
        runtime: Runtime = Runtime(),
    ) -> None:
        self.pipe, self.settings, self.runtime = pipe, settings, runtime

    def replaced(self, settings: EditSettings | None = None, runtime: Runtime | None = None) -> Editor:
        """An editor of the same pipeline with other settings or another runtime."""
        return Editor(self.pipe, settings or self.settings, runtime or self.runtime)

    def invert(
        self, images: Sequence[np.ndarray], prompts: Sequence[str] | None = None, progress: Progress | None = None
    ) -> list[Inversion]:
        """Inversions of uint8 RGB ``images`` of one size, whose sides are multiples of 8.

        ``prompts``: what each image shows; by default ``settings.source_prompt`` for all.
        """
        raise NotImplementedError

    def edit(
        self,
        inversions: Sequence[Inversion],
        targets: Sequence[Target | str],
        regions: Sequence[np.ndarray] | None = None,
        prompts: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> list[list[EditResult]]:
        """Results [image][target] of editing each inverted photograph towards every target.

        ``regions``: for each photograph, at the size it was inverted at, bool (H, W), where it may change; needed
        where ``blend.by`` speaks of the label. ``prompts``: those of ``invert``.
        """
        raise NotImplementedError

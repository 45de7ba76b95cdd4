"""Invert photographs once, then edit them towards any number of words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from augment.config.settings import EditSettings
from augment.editing.requests import check_images, check_inversions, check_prompts, latent_regions
from augment.editing.results import EditResult
from augment.editing.runtime import Runtime
from augment.editing.targets import Target, completed
from augment.errors import UsageError

if TYPE_CHECKING:
    from augment.attention.control import EditControl
    from augment.inversion.result import Inversion
    from augment.sdxl.conditioning import Conditioning
    from augment.sdxl.denoiser import Denoiser
    from augment.sdxl.upstream import StableDiffusionXLPipeline

Progress = Callable[[str, int, int], None]


class Editor:
    """Inversion and prompt-to-prompt editing with one SDXL pipeline.

    Nothing is drawn at random: the same call gives the same bits. ``progress(stage, done, total)`` is called after
    each step of the long stages. Raises NonFiniteError when the model overflows, with the step and the precision.
    """

    def __init__(
        self,
        pipe: StableDiffusionXLPipeline,
        settings: EditSettings | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self.pipe, self.settings, self.runtime = pipe, settings or EditSettings(), runtime or Runtime()
        self._encoded: dict[str, Conditioning] = {}

    def replaced(self, settings: EditSettings | None = None, runtime: Runtime | None = None) -> Editor:
        """An editor of the same pipeline with other settings or another runtime."""
        return Editor(self.pipe, settings or self.settings, runtime or self.runtime)

    def invert(
        self, images: Sequence[np.ndarray], prompts: Sequence[str] | None = None, progress: Progress | None = None
    ) -> list[Inversion]:
        """Inversions of uint8 RGB ``images`` of one size, whose sides are multiples of 8.

        ``prompts``: what each image shows; by default ``settings.source_prompt`` for all.
        """
        from augment.attention.install import installed
        from augment.editing.execution import running
        from augment.inversion.methods import invert
        from augment.sdxl.latents import encode_images

        denoiser, found = self._denoiser(check_images(images, self.pipe.vae_scale_factor)), []
        conds, empty = self._conditions(self._prompts(prompts, len(images))), self._conditions([''])
        latents = encode_images(self.pipe, np.stack(images)).to(denoiser.device)
        batches = list(_batches(len(images), self.runtime.batch))
        with running(self.pipe.unet, self.runtime), installed(self.pipe.unet, self.settings.rli):
            for k, batch in enumerate(batches):
                told = _part(progress, k, len(batches))
                found += invert(denoiser, latents[batch], conds[batch], empty, self.settings, told)
        return found

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
        from augment.editing.drawing import drawn
        from augment.editing.execution import running
        from augment.editing.sampling import Sampling

        if not (inversions and targets):
            return [[] for _ in inversions]
        factor, blend = self.pipe.vae_scale_factor, self.settings.blend
        size = check_inversions(inversions, self.settings.steps, factor)
        cells = latent_regions(regions, len(inversions), size, factor, blend.by)
        sources = self._inverted_prompts(inversions, prompts)
        targets = [completed(target, self.settings) for target in targets]
        denoiser, conds = self._denoiser(size), self._conditions([target.prompt for target in targets])
        shares, results = self._shares(len(inversions), len(targets)), [[] for _ in inversions]
        for k, (images, words) in enumerate(shares):
            control = self._control(sources[images], targets[words], inversions[0].pivots.shape[-2:])
            rows = conds[words].repeat(len(sources[images]))
            bounds, split = None if cells is None else cells[images], self.runtime.split_guidance
            sampling = Sampling(denoiser, self.settings, inversions[images], rows, control, bounds, split)
            with running(self.pipe.unet, self.runtime):
                sampling.run(_part(progress, k, len(shares)))
            for image, edits in enumerate(drawn(self.pipe, sampling, inversions[images], targets[words])):
                results[images.start + image] += edits
        return results

    def _denoiser(self, size: tuple[int, int]) -> Denoiser:
        from augment.sdxl.denoiser import Denoiser
        from augment.sdxl.schedule import DDIMGrid

        grid = DDIMGrid.from_pipeline(self.pipe, self.settings.steps)
        return Denoiser(self.pipe, grid, size, self.runtime.precision(self.pipe.unet.device))

    def _prompts(self, prompts: Sequence[str] | None, count: int) -> list[str]:
        return check_prompts(prompts, self.settings.source_prompt, count)

    def _conditions(self, prompts: Sequence[str]) -> Conditioning:
        """What the text encoders make of ``prompts``, each encoded once."""
        from augment.sdxl.conditioning import Conditioning, encode

        for prompt in dict.fromkeys(prompts):
            if prompt not in self._encoded:
                self._encoded[prompt] = encode(self.pipe, [prompt])
        return Conditioning.cat(self._encoded[prompt] for prompt in prompts)

    def _inverted_prompts(self, inversions: Sequence[Inversion], prompts: Sequence[str] | None) -> list[str]:
        """The prompts of ``inversions``. Raises UsageError when they were inverted with others."""
        import torch

        prompts = self._prompts(prompts, len(inversions))
        for inversion, prompt in zip(inversions, prompts, strict=True):
            said, expected = (cond.seq.cpu() for cond in (inversion.cond, self._conditions([prompt])))
            if not torch.allclose(said, expected, rtol=1e-2, atol=1e-2):
                raise UsageError(f'inversions: not made with the prompt {prompt!r}: pass the prompts of invert')
        return prompts

    def _control(
        self, sources: Sequence[str], targets: Sequence[Target], latent_size: tuple[int, int]
    ) -> EditControl:
        """Prompt-to-prompt from each source prompt to each target."""
        from augment.attention.align import align
        from augment.attention.control import EditControl
        from augment.attention.word_maps import WordMaps, blend_columns
        from augment.sdxl.tokens import tokens

        tokenizer, settings, maps = self.pipe.tokenizer, self.settings.control, None
        alignments = [
            [align(tokenizer, source, target.prompt, settings.mode, target.equalize) for target in targets]
            for source in sources
        ]
        if 'attention' in self.settings.blend.by:
            read = {prompt: tokens(tokenizer, prompt) for prompt in (*sources, *(t.prompt for t in targets))}
            columns = [[blend_columns(read[s], read[t.prompt], t.blend_words) for t in targets] for s in sources]
            maps = WordMaps(columns, latent_size)
        return EditControl(alignments, settings, self.settings.steps, latent_size, maps)

    def _shares(self, images: int, targets: int) -> list[tuple[slice, slice]]:
        """Which images are edited towards which targets at once."""
        if self.runtime.split_guidance:
            return [(one, word) for one in _batches(images, 1) for word in _batches(targets, 1)]
        return [(batch, slice(0, targets)) for batch in _batches(images, self.runtime.batch)]


def _batches(count: int, batch: int) -> Iterator[slice]:
    return (slice(first, min(first + batch, count)) for first in range(0, count, batch))


def _part(progress: Progress | None, k: int, parts: int) -> Progress | None:
    """The progress of part ``k`` of so many equal ones."""
    return progress and (lambda stage, done, total: progress(stage, k * total + done, parts * total))

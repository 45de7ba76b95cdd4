"""The model at work: loaded once, asked for edits by settings and runtime, and cleared when memory ran out."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augment.config.settings import EditSettings
from augment.job.device import GIB, Place
from augment.job.ladder import Rung

if TYPE_CHECKING:
    from augment.editing.editor import Editor
    from augment.editing.photo import EditedPhoto, Photo
    from augment.editing.runtime import Runtime
    from augment.sdxl.loader import ModelSource

SMALL = 10**8  # weights; the UNet of SDXL has 2.6e9
Progress = Callable[[str, int, int], None]


class Studio:
    """A pipeline on its device. Everything that a run asks of the model goes through here.

    ``identity`` says which model it is, ``native`` is the side in pixels it was trained with, ``small`` whether it
    has so few weights that a CPU will do.
    """

    def __init__(
        self, source: 'ModelSource', place: Place, runtime: 'Runtime', offloaded: bool, cache: Path | None
    ) -> None:
        from augment.editing.editor import Editor
        from augment.sdxl.loader import load_pipeline, model_identity, native_size

        self.place = place
        precision = runtime.precision(place.device)
        self.pipe = load_pipeline(source, 'cpu' if offloaded else place.device, precision)
        if offloaded:
            from augment.sdxl.placing import offload

            offload(self.pipe, place.device)
        self.identity: dict[str, Any] = model_identity(self.pipe, source)
        self.native: int = native_size(self.pipe)
        self.small: bool = self.pipe.unet.num_parameters() < SMALL
        self.cache = _cache(cache, self.identity)
        self._editor = Editor(self.pipe, EditSettings(), runtime)

    def edit(
        self, photo: 'Photo', words: Sequence[str], rung: Rung, progress: Progress | None = None
    ) -> list['EditedPhoto']:
        """The photograph edited towards each word, with the settings and the runtime of ``rung``."""
        from augment.editing.photo import edit_photo

        return edit_photo(self.editor(rung), photo, words, progress=progress, cache=self.cache)

    def editor(self, rung: Rung) -> 'Editor':
        """The editor for ``rung``; the last one is kept, since photographs ask for the same again and again."""
        if (self._editor.settings, self._editor.runtime) != (rung.settings, rung.runtime):
            self._editor = self._editor.replaced(rung.settings, rung.runtime)
        return self._editor

    def reduced(self, runtime: 'Runtime') -> bool:
        """Whether the UNet would compute in less than fp32."""
        import torch

        return runtime.precision(self.place.device) is not torch.float32

    def tokens(self, prompt: str) -> list[str]:
        """The pieces of a prompt as the model reads them."""
        from augment.sdxl.tokens import tokens

        return [*tokens(self.pipe.tokenizer, prompt).pieces]

    def free(self) -> None:
        """Give back what an attempt that failed has left in memory."""
        gc.collect()
        if not self.place.is_cpu:
            import torch

            torch.cuda.empty_cache()

    def peak(self) -> float | None:
        """GiB of the GPU that were in use at most since the last call; None on a CPU."""
        if self.place.device.type != 'cuda':
            return None
        import torch

        peak = torch.cuda.max_memory_allocated(self.place.device) / GIB
        torch.cuda.reset_peak_memory_stats(self.place.device)
        return round(peak, 2)


def _cache(folder: Path | None, identity: dict[str, Any]) -> Any:
    if folder is None:
        return None
    from augment.editing.cache import InversionCache

    return InversionCache(folder, identity)

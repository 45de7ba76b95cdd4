"""One row of the ablation: a window inverted, redrawn and edited, with its scores and what they cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from augment_counting import Count, counted
from edit_ablation_settings import Edit, Window

from augment.config.settings import BlendSettings
from augment.editing.cache import InversionCache
from augment.editing.editor import Editor, Progress
from augment.editing.photo import EditedPhoto, Photo, edit_photo
from augment.editing.runtime import Runtime
from augment.editing.targets import Target
from augment.inversion.result import Inversion
from augment.labels.colour import ciede2000, lab
from augment.pocket.data import read_captions, read_windows
from augment.pocket.measure import round_trip
from augment.pocket.word_classifier import CLASSES, WordClassifier, classes_of, word_probabilities
from augment.quality.gates import GATES, OPTIONAL
from augment.quality.measure import IDENTICAL, measure
from augment.quality.similarity import mean_change, psnr, ssim
from augment.regions.composite import composite
from augment.regions.region import edit_region, feather, permitted
from augment.sdxl.upstream import StableDiffusionXLPipeline

STRAY = 10.0  # CIEDE2000 from which a pixel of the background has changed, as for a label (LabelSettings.change)
FP32 = Runtime(dtype='fp32')
GATED = tuple(dict.fromkeys(gate.score for gate in GATES if gate.name not in OPTIONAL))
QUALITY = ('recon_psnr', 'recon_ssim', 'background_psnr', 'word_score', 'recognised', 'change', 'stray')
COST = ('forward', 'backward', 'seconds')
COLUMNS = (*QUALITY, *COST, *(f'gate_{score}' for score in GATED))


@dataclass
class Cost:
    """Rows that went through the UNet and seconds: of the process on a CPU, of the clock on a GPU."""

    rows: Count
    seconds: float


class Remembered(InversionCache):
    """The inversions of one window in memory, each with what it cost: settings that share one count the same.

    ``redrawn`` holds what each leads back to without being held on its path.
    """

    def __init__(self, spend: Callable[[Callable[[], Any]], tuple[Any, Cost]]) -> None:
        super().__init__('.', {})
        self.spend, self.kept, self.redrawn = spend, {}, {}
        self.costs: dict[str, Cost] = {}

    def get(self, key: str) -> Inversion | None:
        """The inversion ``key``, None where there is none."""
        return self.kept.get(key)

    def put(self, key: str, inversion: Inversion) -> None:
        """Keep ``inversion`` as ``key``."""
        self.kept[key] = inversion

    def invert(
        self, editor: Editor, images: Sequence[np.ndarray], progress: Progress | None = None
    ) -> list[Inversion]:
        """As of the cache; what is computed is counted."""
        missing = [key for key in self.keys(editor, images) if key not in self.kept]
        found, cost = self.spend(lambda: super(Remembered, self).invert(editor, images, progress))
        self.costs |= dict.fromkeys(missing, cost)
        return found

    def keys(self, editor: Editor, images: Sequence[np.ndarray]) -> list[str]:
        """The name of each image's inversion."""
        return [self.key(image, editor.settings.source_prompt, editor.settings, torch.float32) for image in images]


class Bench:
    """Measures edits by ``pipe``, window after window, as ``classifier`` and the gates see them."""

    def __init__(self, pipe: StableDiffusionXLPipeline, classifier: WordClassifier, steps: int) -> None:
        self.pipe, self.classifier, self.steps = pipe, classifier, steps
        self.clock = time.process_time if pipe.device.type == 'cpu' else time.perf_counter
        self.window, self.memory = None, Remembered(self.spend)

    def accuracy(self, root: Path) -> float:
        """Share of the test windows below ``root`` whose word the classifier names."""
        lines = read_captions(root)
        found = word_probabilities(self.classifier, read_windows(root, lines, 'test').images).argmax(1)
        return float((found == classes_of(lines, 'test')).mean())

    def spend(self, work: Callable[[], Any]) -> tuple[Any, Cost]:
        """What ``work`` gives, and what it cost."""
        start = self.clock()
        with counted(self.pipe.unet) as rows:
            result = work()
        return result, Cost(rows, self.clock() - start)

    def measure(self, edit: Edit) -> dict[str, float]:
        """The values of ``COLUMNS``; what a row of the unedited photograph does not have is left out."""
        if edit.window is not self.window:
            self.window, self.memory = edit.window, Remembered(self.spend)
        return self._unedited(edit) if edit.overrides is None else self._edited(edit)

    def _unedited(self, edit: Edit) -> dict[str, float]:
        """Reconstruction by the autoencoder alone: no inversion can do better."""
        image = edit.window.image
        return {'recon_psnr': round_trip(self.pipe, image[None])[0], **self._word(image, edit.word), 'change': 0.0}

    def _edited(self, edit: Edit) -> dict[str, float]:
        window, settings = edit.window, edit.settings(self.steps)
        editor, photo = Editor(self.pipe, settings, FP32), Photo(window.stem, window.image, window.label)
        self.memory.invert(editor, [window.image])
        inversion = self.memory.costs[self.memory.keys(editor, [window.image])[0]]
        [drawn], cost = self.spend(lambda: edit_photo(editor, photo, [edit.word], cache=self.memory))
        edited = composited(window, drawn, settings.blend)
        return {
            **self._reconstruction(editor, photo, drawn),
            **self._word(edited.image, edit.word),
            **kept_and_changed(window, drawn.image, edited.image, settings.blend.halo),
            'forward': inversion.rows.forward + cost.rows.forward,
            'backward': inversion.rows.backward + cost.rows.backward,
            'seconds': inversion.seconds + cost.seconds,
            **gated(window, edited),
        }

    def _word(self, image: np.ndarray, word: str) -> dict[str, float]:
        found = word_probabilities(self.classifier, image[None])[0]
        return {
            'word_score': float(found[CLASSES.index(word)]),
            'recognised': float(CLASSES[found.argmax()] == word),
        }

    def _reconstruction(self, editor: Editor, photo: Photo, drawn: EditedPhoto) -> dict[str, float]:
        """How well the guided steps lead back without being held on the path."""
        key = *self.memory.keys(editor, [photo.image]), editor.settings.guidance
        if key not in self.memory.redrawn:
            self.memory.redrawn[key] = redrawn(editor, photo, drawn, self.memory)
        found = self.memory.redrawn[key]
        return {'recon_psnr': psnr(photo.image, found), 'recon_ssim': ssim(photo.image, found)}


def redrawn(editor: Editor, photo: Photo, drawn: EditedPhoto, memory: Remembered) -> np.ndarray:
    """The photograph from its noise, unpinned: null-text knows it, else the source row is let go.

    ``direct`` cannot be let go; without its pin it is ``ddim``.
    """
    settings = editor.settings
    method = settings.inversion.method
    if method == 'null-text':
        return drawn.reconstruction
    free = replace(settings.inversion, pin_source=False, method='ddim' if method == 'direct' else method)
    loose = editor.replaced(replace(settings, inversion=free))
    same = Target(drawn.word, prompt=settings.source_prompt, equalize={})
    return edit_photo(loose, photo, [same], cache=memory)[0].reconstruction


def composited(window: Window, drawn: EditedPhoto, blend: BlendSettings) -> EditedPhoto:
    """The edit as a user gets it: the photograph's own pixels beyond what ``blend.by`` names."""
    shown, labelled = np.ones(window.label.shape, bool), edit_region(window.label, blend.halo)
    allowed = permitted(replace(blend, composite=True), shown, labelled, drawn.attention)
    image = composite(window.image, drawn.image, feather(allowed, blend.feather))
    return replace(drawn, image=image, region=allowed)


def kept_and_changed(window: Window, drawn: np.ndarray, final: np.ndarray, halo: float) -> dict[str, float]:
    """The background as the model drew it, change within the defects' halo, and the share of stray pixels.

    The region is the same for every setting, whatever bounds the edit.
    """
    region = edit_region(window.label, halo)
    difference = ciede2000(lab(window.image), lab(final))
    return {
        'background_psnr': min(psnr(window.image, drawn, ~region), IDENTICAL),
        'change': mean_change(window.image, final, region),
        'stray': float((difference[~region] > STRAY).mean()),
    }


def gated(window: Window, edited: EditedPhoto) -> dict[str, float]:
    """The scores that the gates judge, of an edit whose label is copied."""
    scores = measure(window.image, edited, window.label, window.label)
    return {f'gate_{score}': scores[score] for score in GATED}

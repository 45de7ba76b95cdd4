"""One photograph with its label: windows, inversion, edits towards several words, and back to its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.config.settings import BlendSettings, EditSettings
from augment.editing.targets import Target, completed
from augment.editing.views import View, batches, views
from augment.errors import DataError
from augment.regions.composite import composite, pasted
from augment.regions.region import defects, edit_region, feather, permitted
from augment.regions.windows import Window

if TYPE_CHECKING:
    from augment.editing.cache import InversionCache
    from augment.editing.editor import Editor, Progress
    from augment.editing.results import EditResult
    from augment.inversion.result import StepLog


@dataclass(frozen=True)
class Photo:
    """A photograph and, where there is one, its label.

    Args:
        stem: its name, without folder and suffix.
        image: uint8 (H, W, 3), RGB.
        label: uint8 (H, W): 0 = background, 255 = not scored, the others are defects.

    Raises:
        DataError: arrays of another kind, or a label of another size than the image.
    """

    stem: str
    image: np.ndarray
    label: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise DataError(f'{self.stem}: {_described(self.image)} is no 8-bit RGB photograph (H, W, 3)')
        if self.label is None:
            return
        if self.label.dtype != np.uint8 or self.label.ndim != 2:
            raise DataError(f'{self.stem}: label {_described(self.label)} is no 8-bit index mask (H, W)')
        if self.label.shape != self.image.shape[:2]:
            sizes = ' and '.join(
                f'{width} x {height}' for height, width in (self.label.shape, self.image.shape[:2])
            )
            raise DataError(f'{self.stem}: label and photograph differ in size: {sizes} (width x height)')


@dataclass(frozen=True)
class EditedPhoto:
    """What became of a photograph of H x W pixels under one word.

    Args:
        word: the word of the edit.
        target_prompt: the prompt it was drawn from.
        image: uint8 (H, W, 3); outside ``region`` byte for byte the photograph.
        region: bool (H, W), where the edit was allowed to change pixels.
        reconstruction: uint8 (H, W, 3), the windows as the model draws them without an edit, pasted into the
            photograph whole; how well the inversion went.
        attention: bool (H, W), what the model attended to for the words; None where nothing asked for it.
        windows: what the model was shown; they may overlap where ``region`` follows the label.
        losses: per window, the log of each inversion step (empty for methods that optimise nothing).
        stats: what the editor reports, as ``{'windows': [stats of each window]}``.
        stalled: whether the inversion of any window could not be optimised.
    """

    word: str
    target_prompt: str
    image: np.ndarray
    region: np.ndarray
    reconstruction: np.ndarray
    attention: np.ndarray | None
    windows: list[Window]
    losses: list[list[StepLog]]
    stats: dict[str, Any]
    stalled: bool


def _described(array: np.ndarray) -> str:
    return f'{array.dtype} {array.shape}'


@dataclass(frozen=True)
class _Piece:
    """A window after its edits: results in the order of the targets, and what the inversion logged."""

    view: View
    results: list[EditResult]
    losses: list[StepLog]
    stalled: bool

    @property
    def window(self) -> Window:
        return self.view.canvas.window


def edit_photo(
    editor: Editor,
    photo: Photo,
    words: Sequence[Target | str],
    progress: Progress | None = None,
    cache: InversionCache | None = None,
) -> list[EditedPhoto]:
    """Edit ``photo`` towards each of ``words``: the windows of its defects, or the whole frame without a label.

    At most ``editor.runtime.batch`` windows go through the model together. ``progress(stage, done, total)`` counts
    over all of them. Inversions that ``cache`` has are not computed again, new ones are put there.

    Raises:
        DataError: no label, or none of a defect, where windows or regions are made from it.
    """
    _check(photo, editor.settings)
    blend = editor.settings.blend
    region = edit_region(photo.label, blend.halo) if 'label' in blend.by else None
    targets = [completed(word, editor.settings) for word in words]
    pieces = sorted(_pieces(editor, photo, region, targets, progress, cache), key=attrgetter('window'))
    return [_assembled(photo, blend, region, pieces, index) for index in range(len(targets))]


def _check(photo: Photo, settings: EditSettings) -> None:
    """Raise DataError where the label cannot give what the settings make of it."""
    by_label = 'label' in settings.blend.by
    if photo.label is None and by_label:
        raise DataError(f'{photo.stem}: no label, of which blend.by = {settings.blend.by!r} makes the edit region')
    if photo.label is not None and (by_label or settings.crop.mode == 'defect') and not defects(photo.label).any():
        raise DataError(f'{photo.stem}: its label shows no defect, so there is nothing to edit')


def _pieces(
    editor: Editor,
    photo: Photo,
    region: np.ndarray | None,
    targets: list[Target],
    progress: Progress | None,
    cache: InversionCache | None,
) -> Iterator[_Piece]:
    """Every window, edited towards every target."""
    side = editor.settings.crop.resolution or _native_size(editor)
    shown = views(photo.image.shape[:2], photo.label, region, editor.settings, side)
    groups = batches(shown, editor.runtime.batch)
    for index, batch in enumerate(groups):
        report = progress and partial(_report, progress, index, len(groups))
        images = [view.canvas.forward_image(photo.image) for view in batch]
        inversions = (
            editor.invert(images, progress=report) if cache is None else cache.invert(editor, images, report)
        )
        regions = None if region is None else [view.allowed(region) for view in batch]
        edited = editor.edit(inversions, targets, regions, progress=report)
        for view, inversion, results in zip(batch, inversions, edited, strict=True):
            yield _Piece(view, results, inversion.losses, inversion.stalled)


def _native_size(editor: Editor) -> int:
    from augment.sdxl.loader import native_size

    return native_size(editor.pipe)


def _report(progress: Progress, index: int, count: int, stage: str, done: int, total: int) -> None:
    """Pass progress within batch ``index`` of ``count`` on as progress within all of them."""
    progress(stage, index * total + done, count * total)


def _assembled(
    photo: Photo, blend: BlendSettings, region: np.ndarray | None, pieces: list[_Piece], index: int
) -> EditedPhoto:
    """The photograph with the edits towards target ``index`` in its pixels."""
    results = [piece.results[index] for piece in pieces]
    edited = _images(photo.image, pieces, [result.image for result in results], divided=True)
    attention = _attention(photo.image.shape[:2], pieces, results)
    allowed = permitted(blend, _shown(photo, pieces), region, attention)
    weight = feather(allowed, blend.feather if blend.composite else 0)
    return EditedPhoto(
        word=results[0].target.word,
        target_prompt=results[0].target.prompt,
        image=composite(photo.image, edited, weight),
        region=allowed,
        reconstruction=_images(photo.image, pieces, [result.source_image for result in results]),
        attention=attention,
        windows=[piece.window for piece in pieces],
        losses=[piece.losses for piece in pieces],
        stats={'windows': [result.stats for result in results]},
        stalled=any(piece.stalled for piece in pieces),
    )


def _images(
    photograph: np.ndarray, pieces: list[_Piece], canvases: list[np.ndarray], divided: bool = False
) -> np.ndarray:
    """The photograph with what the model drew of each window; if ``divided``, of each only its share."""
    patches = []
    for piece, canvas in zip(pieces, canvases, strict=True):
        share = piece.view.share if divided else None
        patches.append((piece.window, piece.view.canvas.inverse_image(canvas), share))
    return pasted(photograph, patches)


def _shown(photo: Photo, pieces: list[_Piece]) -> np.ndarray:
    """The pixels of the photograph, bool (H, W), that lie in a window."""
    return pasted(np.zeros(photo.image.shape[:2], bool), [(piece.window, True, None) for piece in pieces])


def _attention(shape: tuple[int, int], pieces: list[_Piece], results: list[EditResult]) -> np.ndarray | None:
    """What the model attended to, bool ``shape``; None where the editor did not ask."""
    if any(result.mask is None for result in results):
        return None
    found = np.zeros(shape, bool)
    for piece, result in zip(pieces, results, strict=True):
        found[piece.window.slices] |= piece.view.canvas.inverse_labels(result.mask)
    return found

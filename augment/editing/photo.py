"""One photograph with its label, edited towards several words: windows, inversion, edits, and back to its pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.errors import DataError
from augment.regions.windows import Window


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
        windows: what the model was shown, disjoint.
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
    losses: list[list[Any]]
    stats: dict[str, Any]
    stalled: bool


def _described(array: np.ndarray) -> str:
    return f'{array.dtype} {array.shape}'

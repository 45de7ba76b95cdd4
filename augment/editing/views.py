"""What the model is shown of a photograph: windows at its own size, and what it may change in each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from augment.config.settings import EditSettings
from augment.regions.geometry import Canvas
from augment.regions.windows import defect_windows, shares, whole_frame


@dataclass(frozen=True)
class View:
    """A window of the photograph as the model is shown it.

    ``share``: the part of the labelled region, bool (H, W), that is edited in it; None if all of it may be.
    """

    canvas: Canvas
    share: np.ndarray | None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) at which the model sees it."""
        return self.canvas.shape

    def allowed(self, region: np.ndarray) -> np.ndarray:
        """Where latents may change for a photograph with this ``region`` (H, W), bool at the view's size."""
        return self.canvas.forward_labels(region if self.share is None else self.share)


def views(
    shape: tuple[int, int],
    label: np.ndarray | None,
    region: np.ndarray | None,
    settings: EditSettings,
    side: int,
) -> list[View]:
    """The windows of a photograph of ``shape``, overlapping only where the label alone says what each changes.

    ``region`` is what the label allows to change, ``side`` what the model is shown a square window at, in pixels.
    """
    divided = settings.blend.by == 'label' and settings.blend.composite
    if label is None or settings.crop.mode == 'none':
        windows = whole_frame(shape)
    else:
        windows = defect_windows(label, settings.crop, settings.blend.halo, disjoint=not divided)
    parts = shares(windows, region) if divided else [None] * len(windows)
    return [View(Canvas.of(window, side), part) for window, part in zip(windows, parts, strict=True)]


def batches(shown: list[View], size: int) -> list[list[View]]:
    """Groups of at most ``size`` views of one shape."""
    shape = attrgetter('shape')
    alike = [list(group) for _, group in groupby(sorted(shown, key=shape), key=shape)]
    return [group[start : start + size] for group in alike for start in range(0, len(group), size)]

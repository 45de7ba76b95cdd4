"""What becomes of the label when its photograph is edited."""

from dataclasses import dataclass

import numpy as np

from augment.config.settings import LabelSettings


@dataclass(frozen=True)
class Relabelled:
    """``label`` of an edit, (H, W) uint8 with the values of the old one and 255; ``changed``, (H, W) bool: where the
    photograph visibly changed; whether a person has to look at the label; what was done to it, in words."""

    label: np.ndarray
    changed: np.ndarray
    needs_review: bool
    notes: tuple[str, ...]


def relabel(
    before: np.ndarray, after: np.ndarray, label: np.ndarray, region: np.ndarray, settings: LabelSettings
) -> Relabelled:
    """The label of an edit, by ``settings.mode``.

    ``before`` and ``after`` are the photograph and its edit, (H, W, 3) uint8 RGB, ``label`` (H, W) uint8 that of the
    photograph, ``region`` (H, W) bool where it could change.
    """
    raise NotImplementedError

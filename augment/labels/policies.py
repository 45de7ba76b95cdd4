"""What becomes of the label when its photograph is edited: kept, partly withdrawn, or proposed anew."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from augment.config.settings import LabelSettings
from augment.errors import DataError
from augment.labels.colour import ciede2000, lab
from augment.labels.names import IGNORED
from augment.labels.proposal import propose


@dataclass(frozen=True)
class Relabelled:
    """The label of an edit and what is known about it.

    ``label`` is (H, W) uint8 with the values of the old one and 255. ``changed``, (H, W) bool, is where the
    photograph visibly changed, whatever the label. ``notes`` say in words what the label gained and lost.
    """

    label: np.ndarray
    changed: np.ndarray
    needs_review: bool
    notes: tuple[str, ...]


def relabel(
    before: np.ndarray, after: np.ndarray, label: np.ndarray, region: np.ndarray, settings: LabelSettings
) -> Relabelled:
    """The label of an edit, by ``settings.mode``.

    ``before`` and ``after`` are the photograph and its edit, (H, W, 3) uint8 RGB, ``label`` (H, W) uint8 that of
    the photograph, ``region`` (H, W) bool where it could change: what changed elsewhere is no evidence. Pixels of
    255 stay 255. DataError when the four are not of one size.
    """
    _check_sizes(before, after, label, region)
    changed = visibly_changed(before, after, region, settings.change)
    if settings.mode == 'propose':
        new = propose(before, after, label, region, changed, settings)
    elif settings.mode == 'ignore-ring':
        # Nobody knows what the changed background shows now.
        new = np.where(changed & (label == 0), np.uint8(IGNORED), label)
    else:
        new = label.copy()
    to_review = settings.mode == 'propose' and not np.array_equal(new, label)
    return Relabelled(new, changed, to_review, tuple(_notes(label, new)))


def visibly_changed(before: np.ndarray, after: np.ndarray, region: np.ndarray, threshold: float) -> np.ndarray:
    """Where in ``region`` the colour moved by more than ``threshold`` (CIEDE2000), (H, W) bool."""
    changed = region & (before != after).any(-1)
    changed[changed] = ciede2000(lab(before[changed]), lab(after[changed])) > threshold
    return changed


def _check_sizes(before: np.ndarray, after: np.ndarray, label: np.ndarray, region: np.ndarray) -> None:
    sizes = {name: array.shape[:2] for name, array in locals().items()}
    if len(set(sizes.values())) > 1:
        told = ', '.join(f'{name} {width} x {height}' for name, (height, width) in sizes.items())
        raise DataError(f'a label can be made from arrays of one size only: {told}')


def _notes(old: np.ndarray, new: np.ndarray) -> Iterator[str]:
    """A line for every value that gained or lost pixels, but for the background."""
    for value in np.union1d(old, new):
        gained, lost = int(((new == value) & (old != value)).sum()), int(((old == value) & (new != value)).sum())
        name = 'not scored' if value == IGNORED else f'class {value}'
        if value and gained + lost:
            gone = ', nothing left of it' if not (new == value).any() else ''
            yield f'{name}: {gained} pixels gained, {lost} lost{gone}'

"""What a person needs to judge and correct a proposed label."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_review(
    folder: Path,
    stem: str,
    image: np.ndarray,
    label: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    *,
    original: np.ndarray | None = None,
    old_label: np.ndarray | None = None,
) -> None:
    """Put one edited photograph and its proposed label into the review folder.

    ``image`` is the edit, ``original`` the photograph it was made of, both (H, W, 3) uint8 RGB; ``label`` is the
    proposal and ``old_label`` the photograph's, both (H, W) uint8.
    """
    raise NotImplementedError

"""Labels and photographs of defects, by hand and for hypothesis."""

import numpy as np
from hypothesis import strategies as st


def label_with(shape: tuple[int, int], *boxes: tuple[int, int, int, int], value: int = 1) -> np.ndarray:
    """A label of background with boxes (top, left, height, width) of ``value``."""
    label = np.zeros(shape, np.uint8)
    for top, left, height, width in boxes:
        label[top : top + height, left : left + width] = value
    return label


@st.composite
def labels(draw: st.DrawFn, longest: int = 150, values: tuple[int, ...] = (1, 2, 255)) -> np.ndarray:
    """A label of any size up to ``longest`` with one to five boxes, the first of which is a defect."""
    height, width = (draw(st.integers(1, longest)) for _ in range(2))
    label = np.zeros((height, width), np.uint8)
    for value in [*draw(st.lists(st.sampled_from(values), max_size=4)), 1]:
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        rows, columns = draw(st.integers(1, 20)), draw(st.integers(1, 20))
        label[top : top + rows, left : left + columns] = value
    return label


def noise(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """A photograph of independent random bytes, (H, W, 3): no two places alike."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def discs(
    shape: tuple[int, int], centres: list[tuple[int, int]], radius: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """A smooth photograph (H, W, 3) with a dark disc at each centre (row, column), and its label (H, W)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    grey = 120 + 40 * np.sin(rows / 17) * np.cos(columns / 23)
    label = np.zeros(shape, np.uint8)
    for row, column in centres:
        label[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 1
    grey = np.where(label == 1, 40, grey)
    return np.stack([grey, grey * 0.95, grey * 0.9], axis=-1).astype(np.uint8), label

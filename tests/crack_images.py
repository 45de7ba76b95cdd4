"""A crack set of seconds for tests: dark crooked lines on grey noise, in the project's layout.

from crack_images import make_cracks
root = make_cracks(tmp_path / 'crackforest', sizes=(40, 56))
"""

from pathlib import Path

import cv2
import numpy as np

COUNTS = {'train': 4, 'val': 2, 'test': 2}


def make_cracks(root: str | Path, sizes: tuple[int, int] = (40, 56), counts: dict[str, int] = COUNTS) -> Path:
    """Write pairs of (height, width) pixels under ``root`` and return it; one crack an image, 0/1 masks."""
    root, rng = Path(root), np.random.default_rng(0)
    for split, count in counts.items():
        for folder in ('img_dir', 'ann_dir'):
            (root / folder / split).mkdir(parents=True)
        for index in range(count):
            image, mask = draw_crack(rng, sizes)
            cv2.imwrite(str(root / f'img_dir/{split}/{split}_{index}.png'), image)
            cv2.imwrite(str(root / f'ann_dir/{split}/{split}_{index}.png'), mask)
    return root


def draw_crack(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W, 3) uint8 with a crack from its left to its right border, and its mask (H, W) uint8."""
    height, width = size
    columns = np.linspace(0, width - 1, 6).astype(int)
    rows = np.clip(height / 2 + rng.normal(0, height / 8, 6).cumsum(), 2, height - 3).astype(int)
    mask = np.zeros(size, np.uint8)
    cv2.polylines(mask, [np.stack([columns, rows], 1).astype(np.int32)], False, 1, 2)
    image = rng.integers(110, 140, (height, width, 3), dtype=np.uint8)
    image[mask == 1] -= 80
    return image, mask

"""Tiny learnable data sets on disk, for all tests: coloured blobs on grey noise, in the project's layout.

    from synthetic import make_dataset
    root = make_dataset(tmp_path / 'tiny', classes=3, sizes=(64, 80), counts=dict(train=4, val=2, test=2))

Class 0 is the background; each further class is an ellipse of one colour of its own, so that a small network
learns the set within a few dozen iterations. The same arguments write the same bytes.
"""

import colorsys
import json
from pathlib import Path

import numpy as np
from PIL import Image


def class_names(classes: int) -> list[str]:
    """background, blob1, blob2, …"""
    return ['background', *(f'blob{k}' for k in range(1, classes))]


def class_palette(classes: int) -> list[list[int]]:
    """Black for the background, then evenly spaced hues, RGB 0..255; the colours the blobs are painted in."""
    hues = (colorsys.hsv_to_rgb(k / max(classes - 1, 1), 0.9, 0.9) for k in range(classes - 1))
    return [[0, 0, 0], *([round(255 * channel) for channel in hue] for hue in hues)]


def draw_pair(
    rng: np.random.Generator, classes: int, size: tuple[int, int], missing: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """One image (H, W, 3) uint8 RGB and its mask (H, W) uint8; ``missing`` = chance that a blob is left out."""
    height, width = size
    image = rng.integers(90, 130, (height, width, 3), dtype=np.uint8)
    mask = np.zeros(size, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    colours = np.array(class_palette(classes))
    for k in range(1, classes):
        cy, cx = rng.uniform(0.2, 0.8, 2) * size
        ry, rx = rng.uniform(0.08, 0.2, 2) * size
        blob = ((rows - cy) / ry) ** 2 + ((columns - cx) / rx) ** 2 <= 1
        if rng.random() >= missing:
            mask[blob] = k
            image[blob] = np.clip(colours[k] + rng.integers(-15, 16, (blob.sum(), 3)), 0, 255)
    return image, mask


def make_dataset(
    root: str | Path,
    classes: int = 3,
    sizes: tuple[int, int] = (64, 80),
    counts: dict[str, int] | None = None,
    seed: int = 0,
    image_suffix: str = '.png',
    ignore_rows: int = 0,
) -> Path:
    """Write ``img_dir/<split>``, ``ann_dir/<split>`` and ``meta.json`` under ``root`` and return it.

    ``sizes`` is (height, width) of every image. The last pair of a split holds every class unless a
    later blob hides one. ``ignore_rows``: so many rows at the top of every mask are 255.
    """
    root = Path(root)
    rng = np.random.default_rng(seed)
    for split, count in (counts or {'train': 4, 'val': 2, 'test': 2}).items():
        for folder in ('img_dir', 'ann_dir'):
            (root / folder / split).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            image, mask = draw_pair(rng, classes, sizes, missing=0.0 if index == count - 1 else 0.3)
            mask[:ignore_rows] = 255
            Image.fromarray(image).save(root / 'img_dir' / split / f'{split}_{index:03d}{image_suffix}')
            Image.fromarray(mask).save(root / 'ann_dir' / split / f'{split}_{index:03d}.png')
    meta = {'name': root.name, 'classes': class_names(classes), 'palette': class_palette(classes)}
    (root / 'meta.json').write_text(json.dumps(meta), encoding='utf-8')
    return root

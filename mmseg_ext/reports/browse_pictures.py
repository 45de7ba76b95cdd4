"""Pictures of what a network sees: one a sample, and a sheet of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmseg.datasets.transforms import LoadAnnotations

from mmseg_ext.files import remove_partials, writable_folder
from mmseg_ext.reports.browse import IGNORED, Progress, Seen, Statistics, View
from mmseg_ext.reports.overlays import (
    CAPTION,
    GAP,
    legend,
    overlay,
    read_image,
    reduced,
    with_caption,
    write_image,
)

CELL = 320  # side in pixels up to which the sheet shows a sample unreduced
WIDTH = 1800  # of the sheet, about
STRIPE = 6  # of the hatching


def draw_view(
    view: View, folder: Path, count: int, samples: int, raw: bool = False, progress: Progress = lambda *_: None
) -> Statistics:
    """Count the first ``samples`` inputs of a view, and draw the first ``count`` of them into ``folder``.

    It gets ``sheet.png`` and ``samples/<number>_<name>.png``, with ``raw`` beside the images on disk. Pictures of
    an earlier call are removed. Raises UsageError when the folder cannot be written, DataError for an image.
    """
    palette, seen, cells = view.meta['palette'], Statistics(tuple(view.meta['classes'])), []
    singles = writable_folder(folder / 'samples')
    remove_partials(folder)
    for old in singles.glob('[0-9][0-9][0-9]_*.png'):
        old.unlink()
    for number, sample in enumerate(view.samples(max(samples, count))):
        seen.add(sample)
        if number < count:
            name = f'{number:03d}_{Path(sample.meta["img_path"]).stem}.png'
            write_image(singles / name, strip(sample, palette, raw))
            cells.append(cell(number, sample, palette))
        progress(number + 1, max(samples, count))
    write_image(folder / 'sheet.png', contact_sheet(cells, view.meta['classes'], palette))
    return seen


def masked(image: np.ndarray, label: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """The image (H, W, 3) uint8 BGR with its classes tinted and outlined, and ignored pixels hatched."""
    ignored = label == IGNORED
    picture = overlay(image, np.where(ignored, 0, label), palette)
    rows, columns = np.indices(label.shape)
    striped = ignored & ((rows + columns) // STRIPE % 2 == 0)
    picture[striped] = (picture[striped] // 2) + 80
    return picture


def strip(seen: Seen, palette: Sequence[Sequence[int]], raw: bool = False) -> np.ndarray:
    """Input and input with its mask side by side, prompts before them; with ``raw`` first the image as on disk."""
    panels = [('what the network sees', seen.image), ('with its mask', masked(seen.image, seen.label, palette))]
    height = seen.image.shape[0]
    asked = f'asked for {seen.meta.get("prompt_type")}'
    panels[:0] = [(asked, _fitted(*prompt, height, palette)) for prompt in seen.prompts]
    if raw:
        panels.insert(0, ('on disk', _fitted(*_on_disk(seen.meta), seen.image.shape[0], palette)))
    gap = np.full((seen.image.shape[0] + CAPTION, GAP, 3), 255, np.uint8)
    pieces = [piece for name, panel in panels for piece in (gap, with_caption(panel, name))]
    return np.hstack(pieces[1:])


def _on_disk(meta: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    asked = dict(seg_map_path=meta['seg_map_path'], seg_fields=[], reduce_zero_label=False)
    return read_image(meta['img_path']), LoadAnnotations()(asked)['gt_seg_map']


def _fitted(image: np.ndarray, label: np.ndarray, height: int, palette: Sequence) -> np.ndarray:
    """Image and mask at that height; drawn after shrinking by a whole number, so that outlines stay in sight."""
    image, label = reduced(image, label, max(height * height * image.shape[1] // image.shape[0], 1))
    width = max(round(image.shape[1] * height / image.shape[0]), 1)
    return cv2.resize(masked(image, label, palette), (width, height), interpolation=cv2.INTER_AREA)


def cell(number: int, seen: Seen, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """One sample on the sheet: number, name, scale and flip above the small picture with its mask.

    Prompts stand to its left, under what they ask for.
    """
    image, label = reduced(seen.image, seen.label, CELL * CELL)
    query = with_caption(masked(image, label, palette), _title(number, seen.meta, image.shape[1] // 9))
    gap, asked = np.full((len(query), GAP, 3), 255, np.uint8), f'{seen.meta.get("prompt_type")}?'
    prompts = [with_caption(_fitted(*prompt, image.shape[0], palette), asked) for prompt in seen.prompts]
    return np.hstack([piece for prompt in prompts for piece in (prompt, gap)] + [query])


def _title(number: int, meta: dict[str, Any], letters: int) -> str:
    """``3 blade_012 x1.3 flipped``, the name shortened in its middle to fit into so many letters."""
    factor = meta.get('scale_factor')
    scaled = f' x{factor[0]:.2f}' if factor is not None and tuple(factor) != (1.0, 1.0) else ''
    tail = f'{scaled}{" flip" if meta.get("flip") else ""}'
    name, room = Path(meta.get('img_path', '')).stem, letters - len(tail) - len(str(number)) - 1
    if len(name) > room:
        name = f'{name[: max(room // 2 - 1, 1)]}..{name[-max(room // 2 - 1, 1) :]}'
    return f'{number} {name}{tail}'


def contact_sheet(cells: Sequence[np.ndarray], classes: Sequence[str], palette: Sequence) -> np.ndarray:
    """All cells in rows below a legend, (H, W, 3) uint8 BGR."""
    height, width = (max(picture.shape[axis] for picture in cells) for axis in (0, 1))
    columns = min(max(WIDTH // (width + GAP), 1), len(cells))
    padded = [_padded(picture, height + GAP, width + GAP) for picture in cells]
    padded += [np.full_like(padded[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    least = 8 + sum(40 + 10 * len(name) for name in classes[1:])
    body = np.vstack(rows)
    body = _padded(body, body.shape[0], max(body.shape[1], least))
    return np.vstack([legend(classes, palette, body.shape[1]), body])


def _padded(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    below, right = height - picture.shape[0], width - picture.shape[1]
    return cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(255,) * 3)

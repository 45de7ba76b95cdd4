"""The pictures of an edit, small enough for a page and large enough to judge it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from augment.report.records import Line

LONGEST = 448  # pixels of a side of what is shown of a window; smaller ones stay as they are
FRAME = 240  # of the whole photograph
QUALITY = 84
STRONG = 64  # grey levels that are drawn as the strongest change
IGNORED = 255
GREY, WHITE = (160, 160, 160), (255, 255, 255)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sheet:
    """Pictures as data URIs, all but ``frame`` of the window that changed most; '' for one that cannot be had.

    ``outline`` is transparent but for borders of labelled defects and of the region; ``boxes``: the windows
    in the frame as (left, top, width, height) in percent, the shown one first; ``size``: its (width, height).
    """

    before: str
    after: str
    difference: str
    outline: str
    frame: str
    boxes: tuple[tuple[float, float, float, float], ...]
    size: tuple[int, int]


def sheet(out: Path, line: Line, palette: Sequence[Sequence[int]]) -> Sheet | None:
    """The pictures of an edit; None where its own is not there, or no picture."""
    after = _read(out / line.output['image'], 'RGB') if line.output.get('image') else None
    if after is None:
        return None
    before = _source(out, line)
    if before is None or before.shape != after.shape:
        before = None
    label = _read(out / line.output['label'], 'L') if line.output.get('label') else None
    region = _read(out / line.region_file, 'L') if line.region_file else None
    shape = after.shape[:2]
    change = np.zeros(shape, np.uint8) if before is None else cv2.absdiff(before, after).max(-1)
    boxes = sorted(line.windows or [(0, 0, *shape)], key=lambda box: -change[_cut(box)].sum(dtype=np.int64))
    cut = _cut(boxes[0])
    return Sheet(
        before='' if before is None else _jpeg(_fit(before[cut], LONGEST)),
        after=_jpeg(_fit(after[cut], LONGEST)),
        difference='' if before is None else _jpeg(heat(_fit(change[cut], LONGEST))),
        outline=''
        if label is None
        else _png(outline(label[cut], palette, None if region is None else region[cut])),
        frame=_jpeg(_fit(after, FRAME)),
        boxes=tuple(_percent(box, shape) for box in boxes),
        size=(boxes[0][3], boxes[0][2]),
    )


def heat(change: np.ndarray) -> np.ndarray:
    """Grey levels (H, W) as colours (H, W, 3): black where nothing changed, up to yellow from ``STRONG`` on."""
    scaled = np.minimum(change.astype(np.float32) / STRONG, 1) * 255
    return cv2.cvtColor(cv2.applyColorMap(scaled.astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def outline(label: np.ndarray, palette: Sequence[Sequence[int]], region: np.ndarray | None = None) -> np.ndarray:
    """Borders of the labelled parts in their colours, grey where nothing is scored, white around the region: RGBA.

    The longer side is ``LONGEST`` even where the window is smaller, so that the lines stay thin.
    """
    label = _enlarged(label)
    drawn = np.zeros((*label.shape, 4), np.uint8)
    if region is not None:
        drawn[_border(_enlarged(region) > 0)] = (*WHITE, 255)
    for value in np.unique(label[label > 0]):
        colour = GREY if value == IGNORED or value >= len(palette) else palette[value]
        drawn[_border(label == value)] = (*colour, 255)
    return drawn


def _enlarged(label: np.ndarray) -> np.ndarray:
    scale = LONGEST / max(label.shape)
    size = [max(round(side * scale), 1) for side in label.shape[::-1]]
    return cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)


def _border(part: np.ndarray) -> np.ndarray:
    return cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


def source_path(out: Path, line: Line) -> Path | None:
    """The photograph itself: the one in the set, else where it was read from; None where neither is there."""
    inside = sorted((out / 'img_dir/train').glob(f'{_literal(line.stem)}.*'))
    outside = [out / line.source['path']] if line.source.get('path') else []
    return next((path for path in [*inside, *outside] if path.is_file()), None)


def _source(out: Path, line: Line) -> np.ndarray | None:
    path = source_path(out, line)
    return None if path is None else _read(path, 'RGB')


def _literal(stem: str) -> str:
    return ''.join(f'[{letter}]' if letter in '*?[' else letter for letter in stem)


def _read(path: Path, mode: str) -> np.ndarray | None:
    try:
        with Image.open(path) as image:
            # A label of index colours must not become its colours' brightness.
            return np.array(image if mode == 'L' and image.mode == 'P' else image.convert(mode))
    except OSError:
        return None


def _cut(box: Box) -> tuple[slice, slice]:
    top, left, height, width = box
    return slice(top, top + height), slice(left, left + width)


def _percent(box: Box, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    top, left, height, width = box
    return (
        100 * left / shape[1],
        100 * top / shape[0],
        100 * width / shape[1],
        100 * height / shape[0],
    )


def _fit(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longer side at most so many pixels; never enlarged."""
    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _jpeg(image: np.ndarray) -> str:
    return _uri(image, 'jpeg', quality=QUALITY, optimize=True)


def _png(image: np.ndarray) -> str:
    return _uri(image, 'png', optimize=True)


def _uri(image: np.ndarray, kind: str, **options: int) -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind, **options)
    return f'data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}'

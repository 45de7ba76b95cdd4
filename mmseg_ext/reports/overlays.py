"""Pictures that show at a glance what was there and what was found."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmseg_ext.errors import DataError
from mmseg_ext.files import replacing

CAPTION = 22  # height of the line of text above a panel, pixels
GAP = 6
LARGEST = 4096 * 4096  # pixels of a picture that a person can still look at
# Thin outlines need their colours at full resolution, which JPEG by default halves.
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


def read_image(path: str | Path) -> np.ndarray:
    """An image as (H, W, 3) uint8 BGR; DataError naming the file when it cannot be decoded."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f'{path}: cannot be decoded as an image; replace or remove it')
    return image


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Replace ``path`` by the image as PNG or JPEG, whole or not at all; OSError when it cannot be stored.

    cv2.imwrite would report a full disk by returning False, and leave half a file to be renamed.
    """
    suffix = Path(path).suffix
    with replacing(path) as partial:
        partial.write_bytes(cv2.imencode(suffix, image, JPEG if suffix == '.jpg' else ())[1].tobytes())


def reduced(image: np.ndarray, mask: np.ndarray, largest: int = LARGEST) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask shrunk by the smallest whole number that leaves at most ``largest`` pixels; small ones as is.

    A pixel of the smaller mask has the highest class of those it stands for, so that no defect vanishes.
    """
    height, width = mask.shape
    factor = math.ceil(math.sqrt(height * width / largest))
    if factor <= 1:
        return image, mask
    rows, columns = (np.arange(0, length, factor) for length in (height, width))
    small = np.maximum.reduceat(np.maximum.reduceat(mask, rows, 0), columns, 1)
    return cv2.resize(image, small.shape[::-1], interpolation=cv2.INTER_AREA), small


def overlay(
    image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]], opacity: float = 0.35
) -> np.ndarray:
    """The image with every class but background tinted and outlined in its colour.

    ``image`` is (H, W, 3) uint8 BGR, ``mask`` (H, W) of class indices (255 = ignored: grey), ``palette`` RGB.
    The outline lies outside the region, so that a defect of a few pixels stays visible itself; ``opacity`` (0..1)
    is that of the tint.
    """
    picture = image.copy()
    for value in np.flatnonzero(np.bincount(mask.reshape(-1))):
        if value == 0:
            continue
        colour = (128, 128, 128) if value >= len(palette) else tuple(int(part) for part in palette[value][::-1])
        region = (mask == value).astype(np.uint8)
        picture[region > 0] = ((1 - opacity) * picture[region > 0] + opacity * np.array(colour)).astype(np.uint8)
        ring = cv2.dilate(region, np.ones((7, 7), np.uint8)) - cv2.dilate(region, np.ones((3, 3), np.uint8))
        picture[ring > 0] = colour
    return picture


def comparison(
    path: str | Path, truth: np.ndarray | None, prediction: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Image, truth (when there is one) and prediction side by side, (H + caption, W', 3) uint8 BGR."""
    image = read_image(path)
    panels = [('image', image)]
    if truth is not None:
        panels.append(('truth', overlay(image, truth, palette)))
    panels.append(('prediction', overlay(image, prediction, palette)))
    gap = np.full((image.shape[0] + CAPTION, GAP, 3), 255, np.uint8)
    pieces = [piece for name, panel in panels for piece in (gap, with_caption(panel, name))]
    return np.hstack(pieces[1:])


def with_caption(panel: np.ndarray, text: str) -> np.ndarray:
    """The panel with a line of text above it."""
    head = np.full((CAPTION, panel.shape[1], 3), 255, np.uint8)
    cv2.putText(head, text, (4, CAPTION - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([head, panel])


def legend(classes: Sequence[str], palette: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """One line that names the colour of every class but background."""
    line = np.full((CAPTION, width, 3), 255, np.uint8)
    left = 4
    for name, colour in list(zip(classes, palette, strict=True))[1:]:
        cv2.rectangle(line, (left, 4), (left + 14, CAPTION - 4), tuple(int(part) for part in colour[::-1]), -1)
        cv2.putText(
            line, name, (left + 20, CAPTION - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA
        )
        left += 40 + 10 * len(name)
    return line


def sheet(strips: Sequence[tuple[str, np.ndarray]], classes: Sequence[str], palette: Sequence) -> np.ndarray:
    """Strips of ``comparison`` under each other, each below its own line of text, the legend on top."""
    width = max(strip.shape[1] for _, strip in strips)
    rows = [legend(classes, palette, width)]
    for text, strip in strips:
        padded = cv2.copyMakeBorder(
            strip, 0, GAP, 0, width - strip.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3
        )
        rows.append(with_caption(padded, text))
    return np.vstack(rows)

"""A picture that shows what was labelled before an edit and what the proposal is now."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from augment.labels.names import IGNORED
from augment.labels.views import View, close_ups, whole

MOST = 8  # close-ups in a picture
DASH = 5  # pixels of the picture
OLD, NOT_SCORED = (255, 255, 255), (150, 150, 150)
PAPER, INK, DARK = (250, 250, 250), (40, 40, 40), (25, 25, 25)
GAP, LINE, FONT = 8, 28, 15
SAMPLE = (18, 38)  # height and width of a piece of a line in the legend


def overlay(
    image: np.ndarray,
    label: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    original: np.ndarray | None = None,
    old_label: np.ndarray | None = None,
) -> np.ndarray:
    """Photograph, edit, and edit with the outlines of both labels side by side; below, close-ups of the defects.

    Images are (H, W, 3) uint8 RGB, labels (H, W) uint8, ``palette`` RGB; the result is (H', W', 3) uint8 RGB. The
    proposal is a line in the colour of its class, the old label a dashed white one. Both run outside the pixels
    that they enclose.
    """
    old = label if old_label is None else old_label
    found = close_ups(label, old)
    views = [(_told(label.shape, found), whole(label.shape))]
    views += [(f'close-up {number}, {view.zoom:.3g} x', view) for number, view in enumerate(found[:MOST], start=1)]
    strips = [_strip(text, view, image, label, old, palette, original) for text, view in views]
    width = max(strip.shape[1] for strip in strips)
    legend = _legend(_entries(label, old, classes, palette), width)
    return np.vstack([legend, *(_on_paper(strip, strip.shape[0], width) for strip in strips)])


def outlined(
    view: View, image: np.ndarray, label: np.ndarray, old: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """A view of the edit with a line around every class of the label, and a dashed one around those of the old."""
    picture = view.of(image)
    for value in np.unique(label[label != 0]):
        _draw(picture, view.of_mask(label == value), _colour(value, palette))
    for value in np.unique(old[old != 0]):
        _draw(picture, view.of_mask(old == value), OLD, dashed=True)
    return picture


def _draw(picture: np.ndarray, mask: np.ndarray, colour: Sequence[int], dashed: bool = False) -> None:
    """A line of two pixels around a mask, with thin edges that keep it apart from a ground like itself."""
    inner, outer, edge = (cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) for side in (3, 7, 9))
    rows, columns = np.indices(mask.shape) // DASH
    shown = (rows + columns) % 2 == 0 if dashed else True
    picture[(edge > 0) & ~mask & shown] = DARK if max(colour) > 100 else OLD
    picture[(outer > inner) & shown] = colour


def _colour(value: int, palette: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return NOT_SCORED if value == IGNORED else tuple(palette[value])


def _told(shape: tuple[int, int], found: Sequence[View]) -> str:
    more = f', the first {MOST} of {len(found)} places below' if len(found) > MOST else ''
    return f'{shape[1]} x {shape[0]}{more}'


def _strip(
    text: str,
    view: View,
    image: np.ndarray,
    label: np.ndarray,
    old: np.ndarray,
    palette: Sequence[Sequence[int]],
    original: np.ndarray | None,
) -> np.ndarray:
    """One view of the photograph, the edit, and the edit with labels, side by side."""
    panels = [('photograph', view.of(original))] if original is not None else []
    panels += [('edit', view.of(image)), ('edit and labels', outlined(view, image, label, old, palette))]
    named = [(f'{name}: {text}' if place == 0 else name, panel) for place, (name, panel) in enumerate(panels)]
    return np.hstack([_captioned(*panel) for panel in named])


def _captioned(text: str, panel: np.ndarray) -> np.ndarray:
    """The panel with a line of text above and paper to its right."""
    framed = Image.fromarray(_on_paper(panel, panel.shape[0] + GAP, panel.shape[1] + GAP, top=LINE))
    ImageDraw.Draw(framed).text((2, LINE // 2), text, INK, ImageFont.load_default(FONT), anchor='lm')
    return np.asarray(framed)


def _on_paper(panel: np.ndarray, height: int, width: int, top: int = 0) -> np.ndarray:
    """The panel at the top left of a blank one, ``top`` pixels down."""
    paper = np.full((top + height, width, 3), PAPER, np.uint8)
    paper[top : top + panel.shape[0], : panel.shape[1]] = panel
    return paper


def _entries(
    label: np.ndarray, old: np.ndarray, classes: Sequence[str], palette: Sequence[Sequence[int]]
) -> list[tuple[str, np.ndarray]]:
    """What the legend says, each with a piece of its line."""
    found = [int(value) for value in np.unique(label[label != 0])]
    named = {IGNORED: 'not scored'} | dict(enumerate(classes))
    entries = [(f'now: {named[value]}', _sample(_colour(value, palette))) for value in found]
    entries += [] if found else [('now: nothing labelled', np.full((*SAMPLE, 3), PAPER, np.uint8))]
    return [*entries, ('before the edit', _sample(OLD, dashed=True))] if old.any() else entries


def _sample(colour: Sequence[int], dashed: bool = False) -> np.ndarray:
    """A piece of a line upon the grey of a photograph."""
    piece = np.full((*SAMPLE, 3), 110, np.uint8)
    mask = np.zeros(SAMPLE, bool)
    mask[SAMPLE[0] // 2 + 2 :] = True
    _draw(piece, mask, colour, dashed)
    piece[mask] = 110
    return piece


def _legend(entries: Sequence[tuple[str, np.ndarray]], width: int) -> np.ndarray:
    """Lines and what they mean, in as many rows as the width asks for."""
    font = ImageFont.load_default(FONT)
    places, left, top = [], 2, 0
    for text, sample in entries:
        needed = sample.shape[1] + GAP + round(font.getlength(text)) + 3 * GAP
        if left > 2 and left + needed > width:
            left, top = 2, top + LINE
        places.append((left, top))
        left += needed
    paper = Image.new('RGB', (width, top + LINE), PAPER)
    for (text, sample), (left, top) in zip(entries, places, strict=True):
        paper.paste(Image.fromarray(sample), (left, top + (LINE - sample.shape[0]) // 2))
        middle = left + sample.shape[1] + GAP, top + LINE // 2
        ImageDraw.Draw(paper).text(middle, text, INK, font, anchor='lm')
    return np.asarray(paper)

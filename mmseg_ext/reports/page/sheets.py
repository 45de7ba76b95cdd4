"""Sheets of worst images, small enough to be inside the page."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmseg_ext.reports.comparison.cells import Line, ScoreTable
from mmseg_ext.reports.comparison.records import RunRecord
from mmseg_ext.reports.page.scores import cell_of, scored

WIDEST, TALLEST = 1100, 2600  # pixels
ALL_TOGETHER = 8_000_000  # bytes of JPEG in one page
LEAST = 200_000  # bytes below which a sheet shows too little


@dataclass(frozen=True)
class Sheet:
    """The worst images of one run of a line as a data URI; ``size`` is (width, height) in pixels."""

    line: Line
    run: RunRecord
    uri: str
    size: tuple[int, int]


def room(tables: Sequence[ScoreTable]) -> tuple[int, int]:
    """How many sheets a table of a page may have, and how many bytes about each of them."""
    most = max(ALL_TOGETHER // LEAST // max(len(tables), 1), 4)
    return most, ALL_TOGETHER // max(sum(min(len(table.lines), most) for table in tables), 1)


def sheets(table: ScoreTable, most: int, limit: int) -> list[Sheet]:
    """A sheet for every line, of its run in the middle of the ranking: neither its luckiest nor its unluckiest.

    Of more than ``most`` lines those with the highest mIoU get one; ``limit`` is about how many bytes it may have.
    """
    best = sorted(scored(table), key=lambda line: -cell_of(table, line, 'mIoU_fg').mean)[:most]
    shown = table.lines if len(table.lines) <= most else [line for line in table.lines if line in best]
    chosen = [(line, typical(line)) for line in shown]
    drawn = [(line, run, _small(run, limit)) for line, run in chosen if run is not None]
    return [Sheet(line, run, *small) for line, run, small in drawn if small is not None]


def typical(line: Line) -> RunRecord | None:
    """The run with the middle mIoU_fg among those that have a sheet; the lower one of an even number."""
    there = [run for run in line.runs if (run.folder / 'test/worst.png').is_file()]
    ranked = sorted(there, key=lambda run: run.result['scores'].get('mIoU_fg') or 0.0)
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def _small(run: RunRecord, limit: int) -> tuple[str, tuple[int, int]] | None:
    """URI and size of ``test/worst.png`` as a JPEG of about ``limit`` bytes at most; None of a damaged one."""
    image = cv2.imread(str(run.folder / 'test/worst.png'), cv2.IMREAD_COLOR)
    if image is None:
        return None
    image = _fitted(image, WIDEST, TALLEST)
    for quality in (80, 60, 40):
        data = _jpeg(image, quality)
        if len(data) <= limit:
            break
    else:
        scale = math.sqrt(limit / len(data))
        image = _fitted(image, int(scale * image.shape[1]) + 1, TALLEST)
        data = _jpeg(image, 40)
    return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}', image.shape[1::-1]


def _fitted(image: np.ndarray, widest: int, tallest: int) -> np.ndarray:
    scale = min(widest / image.shape[1], tallest / image.shape[0])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _jpeg(image: np.ndarray, quality: int) -> bytes:
    return cv2.imencode('.jpg', image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()

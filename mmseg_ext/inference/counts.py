"""Defects of one image as rows of two tables: one for each class, one for each defect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.centre_lines import CentreLines, measure_lines
from mmseg_ext.functional.regions import measure_regions
from mmseg_ext.inference.predictor import Prediction

CLASS_COLUMNS = ('image', 'class', 'count', 'pixels', 'percent', 'largest', 'score')
DEFECT_COLUMNS = ('image', 'class', 'left', 'top', 'width', 'height', 'x', 'y', 'pixels', 'score')
LINE_COLUMNS = ('length', 'mean_width', 'max_width')


@dataclass(frozen=True)
class Ruler:
    """Measures the classes that are lines, such as cracks: in pixels, with ``mm_per_pixel`` also in millimetres.

    What is measured, and how exactly, is said in ``mmseg_ext.functional.centre_lines``. UsageError for a scale
    that is not above 0, or where no class is a line.
    """

    classes: tuple[str, ...] = ()
    mm_per_pixel: float | None = None

    def __post_init__(self) -> None:
        if self.mm_per_pixel is None:
            return
        if not (0 < self.mm_per_pixel < math.inf):
            raise UsageError(f'{self.mm_per_pixel} mm per pixel: expected a number above 0')
        if not self.classes:
            what = 'this model has no class that is a line, so there is no length to measure'
            raise UsageError(f'{self.mm_per_pixel} mm per pixel: {what}; leave it out')

    @property
    def columns(self) -> tuple[str, ...]:
        """What both tables have in addition: nothing where no class is a line."""
        millimetres = [f'{name}_mm' for name in LINE_COLUMNS if self.mm_per_pixel]
        return (*LINE_COLUMNS, *millimetres) if self.classes else ()

    def lines(self, name: str, mask: np.ndarray, index: int) -> CentreLines | None:
        """The lines of class ``index`` in a mask (H, W) of class indices; None where ``name`` is no line."""
        return measure_lines(mask == index) if name in self.classes else None

    def of_each(self, lines: CentreLines | None, count: int) -> list[tuple]:
        """The cells of ``columns`` for each of ``count`` defects."""
        if lines is None:
            return [('',) * len(self.columns)] * count
        return [self._cells(*each) for each in zip(*lines, strict=True)]

    def of_all(self, lines: CentreLines | None) -> tuple:
        """The cells of ``columns`` for all defects of a class together: length 0 and no widths without any."""
        if lines is None:
            return ('',) * len(self.columns)
        length = lines.length.sum()
        if not length:
            return self._cells(0.0)
        return self._cells(length, (lines.length * lines.mean_width).sum() / length, lines.max_width.max())

    def text(self, pixels: float) -> str:
        """A length for people."""
        return f'{pixels:.1f} pixels' + (f' ({pixels * self.mm_per_pixel:.4g} mm)' if self.mm_per_pixel else '')

    def _cells(self, length: float, *widths: float) -> tuple:
        """Hundredths of a pixel, four digits of millimetres: more than the mask knows."""
        values, missing = (length, *widths), ('',) * (2 - len(widths))
        cells = (*(round(float(value), 2) for value in values), *missing)
        if self.mm_per_pixel is None:
            return cells
        return (*cells, *(float(f'{value * self.mm_per_pixel:.4g}') for value in values), *missing)


def defect_rows(
    image: str, prediction: Prediction, classes: Sequence[str], ruler: Ruler = Ruler()
) -> tuple[list[tuple], list[tuple]]:
    """Rows of CLASS_COLUMNS for every class but background, and of DEFECT_COLUMNS for every connected region, each
    with the ``columns`` of the ruler.

    ``percent`` is the share of the image, ``largest`` the pixels of the largest region, ``score`` the mean
    probability (0..1) of the class over its pixels, empty where there is none. ``left`` and ``top`` count from 0,
    ``x`` and ``y`` are the centroid.
    """
    regions = measure_regions(prediction.mask, prediction.confidence)
    per_class, per_defect = [], []
    for index, name in enumerate(classes[1:], 1):
        area, boxes, centres, scores = (each[regions.label == index] for each in regions[1:])
        lines = ruler.lines(name, prediction.mask, index)
        pixels = int(area.sum())
        percent = f'{100 * pixels / prediction.mask.size:.6g}'
        mean = f'{(area * scores).sum() / pixels:.4f}' if pixels else ''
        counts = (len(area), pixels, percent, int(area.max(initial=0)), mean)
        per_class.append((image, name, *counts, *ruler.of_all(lines)))
        per_defect += [
            (image, name, *box.tolist(), f'{x:.1f}', f'{y:.1f}', int(size), f'{score:.4f}', *cells)
            for box, (x, y), size, score, cells in zip(
                boxes, centres, area, scores, ruler.of_each(lines, len(area)), strict=True
            )
        ]
    return per_class, per_defect

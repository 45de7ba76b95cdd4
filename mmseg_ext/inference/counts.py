"""Defects of one image as rows of two tables: one for each class, one for each defect."""

from collections.abc import Sequence

from mmseg_ext.functional.regions import measure_regions
from mmseg_ext.inference.predictor import Prediction

CLASS_COLUMNS = ('image', 'class', 'count', 'pixels', 'percent', 'largest', 'score')
DEFECT_COLUMNS = ('image', 'class', 'left', 'top', 'width', 'height', 'x', 'y', 'pixels', 'score')


def defect_rows(image: str, prediction: Prediction, classes: Sequence[str]) -> tuple[list[tuple], list[tuple]]:
    """Rows of CLASS_COLUMNS for every class but background, and of DEFECT_COLUMNS for every connected region.

    ``percent`` is the share of the image, ``largest`` the pixels of the largest region, ``score`` the mean
    probability (0..1) of the class over its pixels, empty where there is none. ``left`` and ``top`` count from 0,
    ``x`` and ``y`` are the centroid.
    """
    regions = measure_regions(prediction.mask, prediction.confidence)
    per_class = []
    for index, name in enumerate(classes[1:], 1):
        area, score = (each[regions.label == index] for each in (regions.area, regions.score))
        pixels = int(area.sum())
        percent = f'{100 * pixels / prediction.mask.size:.6g}'
        mean = f'{(area * score).sum() / pixels:.4f}' if pixels else ''
        per_class.append((image, name, len(area), pixels, percent, int(area.max(initial=0)), mean))
    per_defect = [
        (image, classes[label], *box.tolist(), f'{x:.1f}', f'{y:.1f}', int(area), f'{score:.4f}')
        for label, area, box, (x, y), score in sorted(zip(*regions, strict=True), key=lambda region: region[0])
    ]
    return per_class, per_defect

"""Boundary F1 of every class, with a stated tolerance."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_ext.errors import UsageError
from mmseg_ext.evaluation.image_metric import ImageMetric, masks_of
from mmseg_ext.functional.boundary_score import boundary_f1, contour_counts
from mmseg_ext.functional.confusion import confusion_counts


@METRICS.register_module()
class BoundaryMetric(ImageMetric):
    """F1 of predicted against true contours, in percent: what IoU hardly shows of objects a few pixels wide.

    Names carry the tolerance, without which they mean nothing, here of 2 pixels:

    * ``BF.<class>@2px``: mean over the images in which the class has a contour in label or prediction; 0 of an
      image where only one of the two has one, NaN of a class that has none in any image.
    * ``mBF@2px``: mean of those over the classes; ``mBF_fg@2px`` without class 0.

    What a contour is, and that ignored pixels and their neighbours count nowhere:
    mmseg_ext/functional/boundary_score.py. Only counts are kept, 4 C numbers an image.

    Args:
        tolerance: Distance in pixels within which two contour pixels are the same; 0 asks for the very pixel.
        classes: Names of those to score; None scores all.
        ignore_index: Label of pixels that are not scored.
        collect_device: 'cpu' or 'gpu', where the parts of several processes meet.
        prefix: Put before each key as ``<prefix>/``.
    """

    def __init__(
        self,
        tolerance: float = 2.0,
        classes: Sequence[str] | None = None,
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ignore_index, collect_device, prefix)
        if not 0 <= tolerance < math.inf:
            raise ValueError(f'BoundaryMetric: tolerance is a distance in pixels, 0 or more, got {tolerance}')
        if classes is not None and (isinstance(classes, str) or not len(classes)):
            raise ValueError(f'BoundaryMetric: classes is a list of names, None for all, got {classes!r}')
        self.tolerance, self.classes = tolerance, classes
        self.tag = f'{tolerance:g}px'

    def pool_images(self, results: list[np.ndarray]) -> dict[str, float]:
        """Mean over the images, log the means and return all scores. UsageError for a class that is not there."""
        names, chosen = self.dataset_meta['classes'], self._chosen()
        found = 100 * boundary_f1(np.stack(results))
        means = {'mBF': _mean(found[chosen]), 'mBF_fg': _mean(found[[index for index in chosen if index]])}
        scores = {f'{name}@{self.tag}': value for name, value in means.items()}
        scores |= {f'BF.{names[index]}@{self.tag}': float(found[index]) for index in chosen}
        said = '  '.join(f'{name} {value:.2f}' for name, value in means.items())
        print_log(f'Boundary F1 within {self.tag}, %: {said}', logger='current')
        return scores

    def measure_image(self, sample: Mapping[str, Any]) -> np.ndarray:
        """The (C, 4) counts of one image."""
        pred, label = (values.cpu() for values in masks_of(sample))
        num_classes = len(self.dataset_meta['classes'])
        confusion_counts(pred, label, num_classes, self.ignore_index)  # looks at every value
        # Comparing int64 pixels is bound by memory; what does not fit into int16 is ignored anyway.
        pred, label = (values.to(torch.int16).numpy() for values in (pred, label))
        return contour_counts(pred, label, num_classes, self.tolerance, self.ignore_index)

    def _chosen(self) -> list[int]:
        """Positions of the classes to score."""
        names = list(self.dataset_meta['classes'])
        unknown = [name for name in self.classes or () if name not in names]
        if unknown:
            raise UsageError(
                f'BoundaryMetric: no class {unknown[0]!r} in this data set; its classes are {", ".join(names)}'
            )
        return [index for index, name in enumerate(names) if self.classes is None or name in self.classes]


def _mean(values: np.ndarray) -> float:
    """Mean of those that are numbers, NaN if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan

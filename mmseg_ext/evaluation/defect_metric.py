"""Pixel and defect scores, per class and per image, from one count of pixels an image."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_ext.evaluation.image_metric import ImageMetric, masks_of
from mmseg_ext.evaluation.table import format_table
from mmseg_ext.functional.components import count_components
from mmseg_ext.functional.confusion import class_scores, confusion_counts


@METRICS.register_module()
class DefectMetric(ImageMetric):
    """IoU, recall, F1, defects found and false alarms, in percent; class 0 is the background.

    * ``aAcc mIoU mAcc mF1``: share of right pixels, and means over all classes.
    * ``mIoU_fg mAcc_fg``: means over the classes other than 0.
    * ``IoU.<class> Acc.<class> F1.<class>``: from the pixels of all images pooled; Acc is recall.
    * ``Found.<class>``: share of the true 8-connected components that the prediction of their class hits.
    * ``FalseAlarms``: predicted components of classes other than 0 that touch no true one of their class, a count
      per image. Touching means a shared pixel.

    What is undefined is NaN and left out of the means: all scores of a class that is neither labelled nor
    predicted, and the recall of one that is never labelled. A class that is predicted but never labelled scores 0
    in IoU and F1. Pixels labelled ``ignore_index`` belong to no component and are in no count, whatever is
    predicted there.

    After ``evaluate``, on the main process: ``confusion`` is the (C, C) int64 count, rows the truth; ``per_image``
    has one flat dict an image, in the order of the data set (percent, pixels and components; NaN as above).

    Args:
        ignore_index: Label of pixels that are not scored.
        components: Whether to compute Found and FalseAlarms, which takes longer than the rest together.
        min_overlap: Share in 0..1 of a true component that must be predicted for it to be found; one pixel always.
        collect_device: 'cpu' or 'gpu', where the parts of several processes meet.
        prefix: Put before each key as ``<prefix>/``.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        components: bool = True,
        min_overlap: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ignore_index, collect_device, prefix)
        if not 0 <= min_overlap <= 1:
            raise ValueError(f'min_overlap is a share of pixels in 0..1, got {min_overlap}')
        self.components, self.min_overlap = components, min_overlap
        self.confusion: Tensor | None = None
        self.per_image: list[dict[str, str | int | float]] = []

    def pool_images(self, results: list[dict]) -> dict[str, float]:
        """Pool the images, keep ``confusion`` and ``per_image``, log the table and return the scores."""
        self.per_image = [self._image_row(entry) for entry in results]
        self.confusion = sum(entry['counts'] for entry in results)
        scores = self._pixel_scores(self.confusion.double())
        if self.components:
            scores |= self._component_scores(results)
        if not self.confusion[1:].any() and not self.confusion[:, 1:].any():
            print_log(
                'DefectMetric: no defect is labelled or predicted in any image, so mIoU_fg and mAcc_fg are NaN; '
                'is this the right split, and is class 0 the background?',
                logger='current',
                level=logging.WARNING,
            )
        print_log('\n' + format_table(scores, self.dataset_meta['classes']), logger='current')
        return scores

    def measure_image(self, sample: Mapping[str, Any]) -> dict:
        """What one image contributes: path, (C, C) counts and, if asked for, (C, 3) components."""
        pred, label = masks_of(sample)
        counts = confusion_counts(pred, label, len(self.dataset_meta['classes']), self.ignore_index)
        entry = {'image': str(sample.get('img_path', '')), 'counts': counts}
        if self.components:
            entry['components'] = self._count_components(pred.cpu(), label.cpu(), counts)
        return entry

    def _count_components(self, pred: Tensor, label: Tensor, counts: Tensor) -> Tensor:
        """Found, total and false alarms of each class, shape (C, 3) int64; the row of class 0 stays 0."""
        result = torch.zeros(len(counts), 3, dtype=torch.int64)
        present = counts.sum(0) + counts.sum(1)
        present[0] = 0
        valid = (label != self.ignore_index).numpy()
        # Comparing int64 pixels is bound by memory; what does not fit into int16 is ignored anyway.
        pred, label = (values.to(torch.int16).numpy() for values in (pred, label))
        for index in present.nonzero().flatten().tolist():
            predicted, true = (pred == index) & valid, (label == index) & valid
            result[index] = torch.tensor(count_components(predicted, true, self.min_overlap))
        return result

    def _pixel_scores(self, counts: Tensor) -> dict[str, float]:
        """All scores that follow from the pooled (C, C) counts, float64."""
        scores = {name: 100 * values for name, values in class_scores(counts).items()}
        result = {'aAcc': 100 * counts.trace() / counts.sum()}
        result |= {f'm{name}': values.nanmean() for name, values in scores.items()}
        result |= {f'm{name}_fg': scores[name][1:].nanmean() for name in ('IoU', 'Acc')}
        for name, values in scores.items():
            result |= {f'{name}.{label}': values[i] for i, label in enumerate(self.dataset_meta['classes'])}
        return {name: float(value) for name, value in result.items()}

    def _component_scores(self, results: list[dict]) -> dict[str, float]:
        """Found of each class but the background, in percent, and FalseAlarms, a count per image."""
        found, total, false_alarms = sum(entry['components'] for entry in results).double().unbind(1)
        share = (100 * found / total).tolist()
        result = {f'Found.{label}': share[i] for i, label in enumerate(self.dataset_meta['classes']) if i}
        return result | {'FalseAlarms': float(false_alarms.sum()) / len(results)}

    def _image_row(self, entry: dict) -> dict[str, str | int | float]:
        """One flat row: path, mean IoU over the defects, then the columns of each class."""
        counts, classes = entry['counts'], self.dataset_meta['classes']
        iou = 100 * class_scores(counts)['IoU']
        row = {'image': entry['image'], 'IoU_fg': float(iou[1:].nanmean())}
        if self.components:
            row['FalseAlarms'] = int(entry['components'][:, 2].sum())
        for index, label in enumerate(classes):
            row[f'IoU.{label}'] = float(iou[index])
            row[f'labelled.{label}'] = int(counts[index].sum())
            row[f'predicted.{label}'] = int(counts[:, index].sum())
            row[f'correct.{label}'] = int(counts[index, index])
            if self.components and index:
                row[f'found.{label}'], row[f'components.{label}'] = entry['components'][index, :2].tolist()
        return row

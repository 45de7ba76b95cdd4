"""ODS, OIS and AP of probability maps, by one of the protocols in use and with a stated tolerance."""

import logging
import math
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_ext.errors import DataError
from mmseg_ext.evaluation.map_counter import MapCounter, describe_scores
from mmseg_ext.evaluation.samples import path_of


@METRICS.register_module()
class ThresholdMetric(BaseMetric):
    """ODS, OIS and AP in 0..1, and the best single threshold with its precision and recall.

    Their names say by what protocol and tolerance, without which they mean nothing: ``ODS@deepcrack_tip-2px``,
    ``OIS@… AP@… threshold@… precision@… recall@…``. Any label other than 0 and ``ignore_index`` is truth. Of a
    model with one channel the probabilities are read as mmseg delivers them; of C >= 2 channels of logits the
    probability is the softmax of all classes but 0, added up. Only counts are kept, 4 K numbers an image.

    After ``evaluate``, on the main process: ``tag`` (what follows the @), ``best_threshold`` (None if ODS is 0 or
    NaN, for then none is better than another) and ``curve``, a dict of ``threshold precision recall f1``, lists of
    K floats with six digits, None where undefined.

    Args:
        protocol, tolerance, thin, one_to_one, thresholds: those of MapCounter.
        ignore_index: Label of pixels that are not scored.
        collect_device: 'cpu' or 'gpu', where the parts of several processes meet.
        prefix: Put before each key as ``<prefix>/``.
    """

    default_prefix = ''  # None would mean the same and log a warning at every start

    def __init__(
        self,
        protocol: str = 'bsds',
        tolerance: float | None = None,
        thin: bool = False,
        one_to_one: bool = False,
        thresholds: Sequence[float] | None = None,
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.counter = MapCounter(protocol, tolerance, thin, one_to_one, thresholds)
        self.ignore_index, self.tag = ignore_index, self.counter.tag
        self.best_threshold: float | None = None
        self.curve: dict[str, list[float | None]] = {}

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Count one batch; each image becomes one entry of ``results``, so that padding is cut by image.

        Raises DataError, naming the file, when a label is no class, the sizes differ, a probability is outside
        0..1 or NaN, or there is no mask or map.
        """
        for sample in data_samples:
            try:
                self.results.append(self._count_image(sample))
            except ValueError as error:
                raise DataError(f'{path_of(sample)}: {error}') from None

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Pool the images, keep ``curve`` and ``best_threshold``, log one line and return the scores."""
        if not results:
            raise DataError('ThresholdMetric: no image was scored; is the data set of this split empty?')
        scores, curve = self.counter.scores(np.stack(results))
        self.curve = {name: _six_digits(values) for name, values in curve._asdict().items()}
        ods = scores[f'ODS@{self.tag}']
        self.best_threshold = scores[f'threshold@{self.tag}'] if ods > 0 else None
        if math.isnan(ods):
            print_log(
                f'ThresholdMetric {self.tag}: no mask of this split labels anything, so ODS, OIS and AP are NaN; '
                f'is it the right split, and do its masks call a defect {self.ignore_index}, which is ignored?',
                logger='current',
                level=logging.WARNING,
            )
        else:
            print_log(describe_scores(self.tag, scores), logger='current')
        return scores

    def _count_image(self, sample: dict) -> np.ndarray:
        """The (K, 4) counts of one image."""
        if 'gt_sem_seg' not in sample:
            raise ValueError('there is no mask to score against; does the pipeline lack LoadAnnotations?')
        if 'seg_logits' not in sample:
            raise ValueError('the model gave a mask but no seg_logits, so there is no threshold to vary')
        logits, label = sample['seg_logits']['data'], sample['gt_sem_seg']['data'].squeeze(0).cpu()
        ignored = label == self.ignore_index
        true = (label != 0) & ~ignored
        _check_labels(label[true], max(len(logits), 2), self.ignore_index)
        return self.counter.count(foreground(logits), true.numpy(), ignored.numpy())


def foreground(logits: Tensor) -> np.ndarray:
    """Probability (H, W) float of "any class but 0", from logits (C, H, W), or from probabilities where C is 1."""
    logits = logits.detach().float()
    probability = logits[0] if len(logits) == 1 else logits.softmax(0)[1:].sum(0).clamp(0, 1)
    return probability.cpu().numpy()


def _check_labels(labels: Tensor, classes: int, ignore_index: int) -> None:
    """Refuse labels (n,) outside 1..classes-1: grey levels, or a 0/255 mask where 255 is not ignored."""
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f'mask value {int(wrong[0])} on {int((wrong == wrong[0]).sum())} pixels, but the classes are 0 to '
            f'{classes - 1} and ignored is {ignore_index}; is the mask 0/255 or grey? tools/prepare_dataset.py '
            'writes class indices'
        )


def _six_digits(values: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 6) for value in values.tolist()]

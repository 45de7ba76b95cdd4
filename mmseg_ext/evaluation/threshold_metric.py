"""ODS, OIS and AP of probability maps, by one of the protocols in use and with a stated tolerance."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_ext.evaluation.image_metric import ImageMetric, label_of
from mmseg_ext.evaluation.map_counter import MapCounter, describe_scores


@METRICS.register_module()
class ThresholdMetric(ImageMetric):
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
        super().__init__(ignore_index, collect_device, prefix)
        self.counter = MapCounter(protocol, tolerance, thin, one_to_one, thresholds)
        self.tag = self.counter.tag
        self.best_threshold: float | None = None
        self.curve: dict[str, list[float | None]] = {}

    def pool_images(self, results: list[np.ndarray]) -> dict[str, float]:
        """Pool the images, keep ``curve`` and ``best_threshold``, log one line and return the scores."""
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

    def measure_image(self, sample: Mapping[str, Any]) -> np.ndarray:
        """The (K, 4) counts of one image."""
        label = label_of(sample).cpu()
        if 'seg_logits' not in sample:
            raise ValueError('the model gave a mask but no seg_logits, so there is no threshold to vary')
        logits, ignored = sample['seg_logits']['data'], label == self.ignore_index
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

"""Catch rate, yield rate and PES of a model that is prompted with an example of what to look for."""

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_ext.evaluation.image_metric import ImageMetric, masks_of
from mmseg_ext.functional.prompt_scores import (
    IOU_THRESHOLD,
    RESPONSE_THRESHOLD,
    catch_rate,
    mask_iou,
    mean_known,
    packed_iou,
    packed_mask,
    response_rate,
    yield_curve,
    yield_rate,
)
from mmseg_ext.score_names import PROMPTED

CURVE = tuple(10 ** (step / 10) for step in range(-60, 1))  # 0.000001 to 1, ten to a decade


@dataclass(frozen=True)
class Answer:
    """What one pair contributes: its query, whether the prompt is ``positive``, and what was answered.

    ``iou`` is that with the query's own defect, ``response`` the share of pixels with an answer, both in 0..1;
    ``mask`` the answer itself, packed.
    """

    image: str
    positive: bool
    iou: float
    response: float
    mask: bytes


@METRICS.register_module()
class PromptedMetric(ImageMetric):
    """How pairs of prompt and query are answered, in percent as all scores are; any class but 0 is an answer.

    Each sample says whether it is ``positive``: whether the query has what the prompt shows.

    * ``catch_rate``: share of the positive pairs whose answer has an IoU of at least ``iou_threshold``.
    * ``yield_rate``: share of the negative pairs whose answer covers less than ``response_threshold`` of the
      image; ``overkill_rate`` is what is missing to 100, and better when low.
    * ``PES``: the mean of catch and yield rate. A model that marks every defect whatever it is shown has 50.
    * ``mIoU_pos``: mean IoU of the positive pairs with what was asked for. ``mIoU_neg``: mean IoU of the negative
      pairs with the query's own defects (``own_sem_seg``), which nobody asked for: better when low.
    * ``prompt_sensitivity``: 100 less the mean IoU of what the same query is answered to its positive and to its
      negative prompt; 0 of a model that does not look at the prompt. Two empty answers are the same.

    What is undefined is NaN: PES without both kinds of pairs, mIoU_neg without any defect and answer. Pixels
    labelled ``ignore_index`` are in no count. The thresholds are those of the source; the one of the response is a
    share of the query as it is scored, so that scores of other sizes do not compare: hence the curve.

    After ``evaluate``, on the main process: ``tag`` ('response_rate') and ``curve``, a dict of ``threshold`` and
    ``yield_rate`` (lists of K floats, shares and percent, the latter None where undefined) and ``used``, the
    threshold of the score. An answer is kept, in a few kilobytes at most, for the other one to the same query may
    come from another process.

    Args:
        iou_threshold: IoU in 0..1 from which a defect is caught.
        response_threshold: Share of the pixels, above 0 to 1, below which an answer counts as none.
        curve: Ascending shares, above 0 to 1, at which the curve gives the yield rate.
        ignore_index: Label of pixels that are not scored.
        collect_device: 'cpu' or 'gpu', where the parts of several processes meet.
        prefix: Put before each key as ``<prefix>/``.
    """

    tag = 'response_rate'

    def __init__(
        self,
        iou_threshold: float = IOU_THRESHOLD,
        response_threshold: float = RESPONSE_THRESHOLD,
        curve: Sequence[float] = CURVE,
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ignore_index, collect_device, prefix)
        if not 0 <= iou_threshold <= 1:
            raise ValueError(f'PromptedMetric: iou_threshold is an IoU in 0..1, got {iou_threshold}')
        if not 0 < response_threshold <= 1:
            raise ValueError(
                f'PromptedMetric: response_threshold is a share of the pixels, above 0 to 1, got '
                f'{response_threshold}; of n pixels of an image of H x W it is n / (H * W)'
            )
        if not _ascending_shares(curve):
            raise ValueError(f'PromptedMetric: curve is a list of ascending shares, above 0 to 1, got {curve}')
        self.iou_threshold, self.response_threshold = iou_threshold, response_threshold
        self.thresholds = tuple(curve)
        self.curve: dict[str, Any] = {}

    def measure_image(self, sample: Mapping[str, Any]) -> Answer:
        """The answer to one pair."""
        positive = _is_positive(sample)
        pred, label = (values.cpu().numpy() for values in masks_of(sample))
        truth = label if positive else _own_label(sample)
        if not pred.shape == label.shape == truth.shape:
            raise ValueError(f'the answer is {pred.shape}, the mask {truth.shape}; they must be of one size')
        valid = (label != self.ignore_index) & (truth != self.ignore_index)
        answer = (pred != 0) & valid
        return Answer(
            str(sample.get('img_path', '')),
            positive,
            mask_iou(answer, truth != 0, valid),
            response_rate(answer, valid),
            packed_mask(answer),
        )

    def pool_images(self, results: list[Answer]) -> dict[str, float]:
        """Pool the pairs, keep ``curve``, log one line and return the scores."""
        positive = [answer for answer in results if answer.positive]
        negative = [answer for answer in results if not answer.positive]
        rates = [answer.response for answer in negative]
        caught = catch_rate([answer.iou for answer in positive], self.iou_threshold)
        quiet = yield_rate(rates, self.response_threshold)
        shares = (
            caught,
            quiet,
            (caught + quiet) / 2,
            1 - quiet,
            mean_known([answer.iou for answer in positive]),
            mean_known([answer.iou for answer in negative]),
            1 - mean_known(list(_agreements(results))),
        )
        self.curve = self._curve(rates)
        scores = {name: 100 * share for name, share in zip(PROMPTED, shares, strict=True)}
        self._log(scores, len(positive), len(negative))
        return scores

    def _curve(self, rates: Sequence[float]) -> dict[str, Any]:
        percent = (100 * yield_curve(rates, self.thresholds)).tolist()
        return dict(
            threshold=[float(f'{threshold:.6g}') for threshold in self.thresholds],
            yield_rate=[None if math.isnan(value) else round(value, 4) for value in percent],
            used=self.response_threshold,
        )

    def _log(self, scores: Mapping[str, float], positive: int, negative: int) -> None:
        said = '  '.join(f'{name} {value:.2f}' for name, value in scores.items() if not math.isnan(value))
        print_log(f'{positive} positive and {negative} negative pairs, %: {said}', logger='current')
        missing = [name for name, count in (('positive', positive), ('negative', negative)) if not count]
        if missing:
            print_log(
                f'PromptedMetric: no {missing[0]} pair was scored, so PES is NaN; is negative_ratio of the data '
                f'set {"0" if missing[0] == "negative" else "1, or is no type shared with the prompts"}?',
                logger='current',
                level=logging.WARNING,
            )


def _agreements(results: Iterable[Answer]) -> Iterable[float]:
    """IoU of each answer to a positive prompt with each answer to a negative one of the same query."""
    queries: dict[str, tuple[list[bytes], list[bytes]]] = defaultdict(lambda: ([], []))
    for answer in results:
        queries[answer.image][answer.positive].append(answer.mask)
    for negative, positive in queries.values():
        yield from (packed_iou(one, other) for one in positive for other in negative)


def _is_positive(sample: Mapping[str, Any]) -> bool:
    if 'positive' not in sample:
        raise ValueError(
            'nothing says whether the prompt shows what the image has ("positive" among its metainfo); '
            'PromptedMetric scores the pairs of a PromptPairDataset, DefectMetric single images'
        )
    return bool(sample['positive'])


def _own_label(sample: Mapping[str, Any]) -> np.ndarray:
    if 'own_sem_seg' not in sample:
        raise ValueError(
            'a negative pair without own_sem_seg, the defects that the image has of its own, against which '
            'mIoU_neg is measured; a PromptPairDataset gives it with test_mode=True'
        )
    return sample['own_sem_seg']['data'].squeeze(0).cpu().numpy()


def _ascending_shares(values: Sequence[float]) -> bool:
    """Whether these are at least two shares above 0 to 1, each above the one before."""
    steps = np.asarray(values, float)
    return (
        steps.ndim == 1 and len(steps) > 1 and steps[0] > 0 and steps[-1] <= 1 and bool((np.diff(steps) > 0).all())
    )

"""Precision-recall curves of line detectors, and ODS, OIS and AP by each of the protocols in use.

ODS (optimal data-set scale) is the best F1 that one threshold reaches for all images, OIS (optimal image scale)
the F1 with the best threshold for each image, AP the area under the curve. Papers write these names above numbers
that cannot be compared, for they differ in the grid of thresholds, in ``>`` or ``>=``, in the tolerance, and in
whether pixels or images are averaged:

* ``bsds`` (Dollár and Zitnick's edgesEvalDir, after Arbeláez et al. 2011, https://doi.org/10.1109/TPAMI.2010.161):
  .01, .02 … .99, p >= t, tolerance .0075 of the image's diagonal. ODS is the best F1 of the counts of all images
  pooled, among 100 points interpolated linearly in (P, R, t) between neighbouring thresholds. OIS pools the counts
  of each image at its own best threshold. (The original thins and matches one to one; both are options here.)
* ``deepcrack_tip`` (Zou et al. 2019, https://doi.org/10.1109/TIP.2018.2878966): the same pooling on the same grid
  without interpolation, tolerance 2 pixels. How the authors computed it is not known in detail: the grid, the
  strictness and matching without regard to one to one are our reading. Thick outputs they thinned by non-maximum
  suppression; thinning is the option here.
* ``crackformer`` (Liu et al. 2021): 0, .01 … .99, p > t, no tolerance, maps rounded to 8 bits first (the authors
  store them as JPEG, whose loss is not imitated). ODS pooled; OIS is the mean over the images of their best F1.
* ``macro`` (SCSegamba, CrackSCF and others): 0, .01 … 1, p > t, no tolerance. ODS is the best mean over the images
  of F1, OIS the mean of their best F1. Its curve is the mean precision and recall of the images that have one.

AP is the mean of the precision, interpolated linearly, at recall 0, .01 … 1. Beyond the highest recall it is 0;
below the lowest it keeps its value there, and of equal recalls the best precision counts. (edgesEvalDir leaves out
what lies below and divides 101 values by 100, so that a perfect map has an AP of 0.)

Pooled, OIS can fall below ODS: an image whose best F1 is that of a flood puts the flood into the pool.

What the papers leave open, decided for all: of equal F1 the lowest threshold wins, as in a loop that keeps the
first best; where no threshold hits anything, the highest. An image without truth therefore adds, to pooled counts,
the false positives of the highest threshold; in a mean over images its F1 is 1 where nothing is predicted either,
else 0. Precision is undefined (NaN) where nothing is predicted, and F1 then 0. If no image has truth, all is NaN.
"""

import difflib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

RECALLS = np.arange(101) / 100  # not linspace, whose .57 is another number than 57 / 100
BETWEEN = np.linspace(0, 1, 100)  # steps from one threshold to the next


@dataclass(frozen=True)
class Protocol:
    """How counts become scores. ``tolerance`` is in pixels, or a share of the diagonal where ``diagonal``."""

    thresholds: tuple[float, ...]
    strict: bool
    tolerance: float
    diagonal: bool = False
    eight_bits: bool = False
    interpolated: bool = False
    mean_ods: bool = False
    mean_ois: bool = False


def _hundredths(first: int, last: int) -> tuple[float, ...]:
    return tuple(step / 100 for step in range(first, last + 1))


PROTOCOLS = {
    'bsds': Protocol(_hundredths(1, 99), False, 0.0075, diagonal=True, interpolated=True),
    'deepcrack_tip': Protocol(_hundredths(1, 99), False, 2.0),
    'crackformer': Protocol(_hundredths(0, 99), True, 0.0, eight_bits=True, mean_ois=True),
    'macro': Protocol(_hundredths(0, 100), True, 0.0, mean_ods=True, mean_ois=True),
}


class Curve(NamedTuple):
    """Precision, recall and F1 at each threshold, (K,) float64 in 0..1, NaN where undefined."""

    threshold: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


def find_protocol(name: str) -> Protocol:
    """The protocol of that name; ValueError with the nearest name otherwise."""
    if name not in PROTOCOLS:
        near = difflib.get_close_matches(name, PROTOCOLS, n=1, cutoff=0.4)
        hint = f'did you mean {near[0]}?' if near else f'there are {", ".join(PROTOCOLS)}'
        raise ValueError(f'unknown protocol {name!r}; {hint}')
    return PROTOCOLS[name]


def protocol_tag(name: str, tolerance: float | None, thin: bool = False, one_to_one: bool = False) -> str:
    """``bsds-0.0075d``, ``macro-2px-thin``: what must be equal for two scores to be compared.

    ``tolerance`` is in pixels; None is the protocol's own.
    """
    protocol = find_protocol(name)
    own = f'{protocol.tolerance:g}{"d" if protocol.diagonal else "px"}'
    text = f'{name}-{own if tolerance is None else f"{tolerance:g}px"}'
    return text + '-thin' * thin + '-1to1' * one_to_one


def precision_recall_f1(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each (…) float64 from counts (…, 4); precision and recall NaN where undefined, F1 then 0."""
    hits, predicted, true_hits, true = np.moveaxis(counts.astype(np.float64), -1, 0)
    with np.errstate(invalid='ignore'):
        precision, recall = hits / predicted, true_hits / true
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return precision, recall, f1


def image_f1(counts: np.ndarray) -> np.ndarray:
    """F1 of each image and threshold, (N, K), from (N, K, 4); 1 where nothing is true and nothing predicted."""
    return np.where(counts[..., 1] + counts[..., 3] == 0, 1.0, precision_recall_f1(counts)[2])


def threshold_curve(counts: np.ndarray, thresholds: np.ndarray, protocol: Protocol) -> Curve:
    """The curve of a data set from the counts (N, K, 4) of its images; F1 is NaN if none of them has truth."""
    precision, recall, f1 = precision_recall_f1(counts if protocol.mean_ods else counts.sum(0))
    if protocol.mean_ods:
        precision, recall, f1 = _mean(precision), _mean(recall), image_f1(counts).mean(0)
    has_truth = counts[..., 3].any()
    return Curve(thresholds, precision, recall, f1 if has_truth else np.full(len(f1), np.nan))


def curve_scores(counts: np.ndarray, curve: Curve, protocol: Protocol) -> dict[str, float]:
    """``ODS OIS AP threshold precision recall`` of a data set, the last three at the best single threshold.

    ``counts`` (N, K, 4) are those of ``curve``. All NaN if no image has truth.
    """
    if np.isnan(curve.f1).all():
        return dict.fromkeys(('ODS', 'OIS', 'AP', 'threshold', 'precision', 'recall'), float('nan'))
    points = _interpolated(curve) if protocol.interpolated and len(curve.f1) > 1 else curve
    best = best_index(points.f1)
    ois = image_f1(counts).max(1).mean() if protocol.mean_ois else _pooled_ois(counts)
    scores = dict(ODS=points.f1[best], OIS=ois, AP=average_precision(curve.precision, curve.recall))
    scores |= dict(threshold=points.threshold[best], precision=points.precision[best], recall=points.recall[best])
    return {name: float(value) for name, value in scores.items()}


def best_index(f1: np.ndarray) -> np.ndarray:
    """Position of the best of (…, K): the first of equal ones, the last if all are 0."""
    return np.where(f1.max(-1) > 0, f1.argmax(-1), f1.shape[-1] - 1)


def average_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """AP of the points (K,), as above; those without precision or recall are left out, 0 if none is left."""
    defined = ~np.isnan(precision + recall)
    if not defined.any():
        return 0.0
    recall, group = np.unique(recall[defined], return_inverse=True)
    best = np.zeros(len(recall))
    np.maximum.at(best, group, precision[defined])
    return float(np.interp(RECALLS, recall, best, right=0).mean())


def _pooled_ois(counts: np.ndarray) -> float:
    """F1 of the counts of each image at its own best threshold, added up."""
    best = best_index(precision_recall_f1(counts)[2])
    return float(precision_recall_f1(counts[np.arange(len(counts)), best].sum(0))[2])


def _interpolated(curve: Curve) -> Curve:
    """100 points between each two neighbours, F1 anew at each; precision without a prediction counts as 0."""
    threshold, precision, recall = (
        (values[:-1, None] + np.diff(values)[:, None] * BETWEEN).ravel()
        for values in map(np.nan_to_num, curve[:3])
    )
    with np.errstate(invalid='ignore'):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return Curve(threshold, precision, recall, f1)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the images (N, K) that have a value, NaN where none has."""
    with np.errstate(invalid='ignore'):
        return np.nansum(values, axis=0) / np.count_nonzero(~np.isnan(values), axis=0)

"""Count one probability map after the other by a protocol, and score them together."""

import math
from collections.abc import Sequence

import numpy as np

from mmseg_ext.functional.matched_counts import matched_counts
from mmseg_ext.functional.threshold_counts import Thresholds, threshold_counts
from mmseg_ext.functional.threshold_curves import (
    Curve,
    curve_scores,
    find_protocol,
    protocol_tag,
    threshold_curve,
)


class MapCounter:
    """What ThresholdMetric and the scoring of stored maps share.

    Args:
        protocol: ``bsds``, ``deepcrack_tip``, ``crackformer`` or ``macro``; see functional/threshold_curves.py.
        tolerance: Distance in pixels at which a pixel still hits, at least 0; None: the protocol's own.
        thin: Whether the truth and each threshold's mask are thinned to lines first; slow.
        one_to_one: Whether each pixel may serve one pixel of the other mask only; slow.
        thresholds: Ascending, in 0..1, in place of the protocol's grid.

    Raises ValueError for any other protocol, tolerance or thresholds.
    """

    def __init__(
        self,
        protocol: str = 'bsds',
        tolerance: float | None = None,
        thin: bool = False,
        one_to_one: bool = False,
        thresholds: Sequence[float] | None = None,
    ) -> None:
        self.protocol = find_protocol(protocol)
        if tolerance is not None and not 0 <= tolerance < math.inf:
            raise ValueError(f'tolerance is a distance of 0 pixels or more, got {tolerance}')
        self.thin, self.one_to_one, self.tolerance = thin, one_to_one, tolerance
        grid = self.protocol.thresholds if thresholds is None else thresholds
        self.thresholds = Thresholds(grid, self.protocol.strict)
        self.tag = protocol_tag(protocol, tolerance, thin, one_to_one)

    def count(self, probability: np.ndarray, true: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
        """(K, 4) int64 counts of a map (H, W), floats in 0..1 or uint8 or uint16, and its masks (H, W) bool.

        No pixel is true and ignored. Raises ValueError for values outside 0..1, NaN or another size.
        """
        if probability.shape != true.shape:
            raise ValueError(
                f'the map is {probability.shape} but the mask is {true.shape}; they must be of one size'
            )
        ranks = self.thresholds.ranks(self._rounded(probability))
        if ignored is not None:
            ranks[ignored] = 0
        radius = self._radius(true.shape)
        if self.thin or self.one_to_one:
            return matched_counts(ranks, true, len(self.thresholds), radius, self.thin, self.one_to_one)
        return threshold_counts(ranks, true, len(self.thresholds), radius)

    def scores(self, counts: np.ndarray) -> tuple[dict[str, float], Curve]:
        """The six scores, each as ``<name>@<tag>``, and the curve, from the counts (N, K, 4) of all images."""
        curve = threshold_curve(counts, self.thresholds.values, self.protocol)
        scores = curve_scores(counts, curve, self.protocol)
        return {f'{name}@{self.tag}': value for name, value in scores.items()}, curve

    def _rounded(self, probability: np.ndarray) -> np.ndarray:
        """The map as the protocol stores it; what cannot be stored is left for ``ranks`` to refuse."""
        if not self.protocol.eight_bits or probability.dtype == np.uint8:
            return probability
        if probability.dtype == np.uint16:
            probability = probability / 65535
        inside = not probability.size or (probability.min() >= 0 and probability.max() <= 1)
        return np.rint(probability * 255).astype(np.uint8) if inside else probability

    def _radius(self, shape: tuple[int, int]) -> float:
        if self.tolerance is not None:
            return self.tolerance
        return self.protocol.tolerance * (math.hypot(*shape) if self.protocol.diagonal else 1)


def describe_scores(tag: str, scores: dict[str, float]) -> str:
    """One line: ``deepcrack_tip-2px: ODS 0.8123 at threshold 0.37 (precision …, recall …), OIS …, AP …``."""
    ods, ois, ap, threshold, precision, recall = (
        scores[f'{name}@{tag}'] for name in ('ODS', 'OIS', 'AP', 'threshold', 'precision', 'recall')
    )
    at = f'at threshold {threshold:.2f} (precision {precision:.4f}, recall {recall:.4f})'
    return f'{tag}: ODS {ods:.4f} {at}, OIS {ois:.4f}, AP {ap:.4f}'

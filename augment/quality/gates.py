"""The gates: what an edit must keep to be used as a training picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from augment.config.settings import GateSettings


@dataclass(frozen=True)
class Gate:
    """``name``: the setting that holds its threshold. The edit fails if the score ``score`` lies beyond it."""

    name: str
    score: str
    at_least: bool

    def holds(self, value: float, threshold: float) -> bool:
        """Whether a score passes; the threshold itself does."""
        return value >= threshold if self.at_least else value <= threshold


GATES = (
    Gate('recon_psnr', 'recon_psnr', at_least=True),
    Gate('background_psnr', 'background_psnr', at_least=True),
    Gate('smallest_change', 'change', at_least=True),
    Gate('largest_change', 'change', at_least=False),
    Gate('largest_area', 'area', at_least=False),
    Gate('seam', 'seam', at_least=False),
    Gate('survival', 'survival', at_least=True),
    Gate('lpips', 'lpips', at_least=False),
    Gate('clip', 'clip', at_least=True),
)
OPTIONAL = ('lpips', 'clip')


def judge(scores: Mapping[str, float | None], gates: GateSettings) -> list[str]:
    """Names of the gates that the scores of ``measure`` fail, in the order of ``GATES``; none if they are off.

    The first one names the quarantine folder. A score that is not defined (NaN, None or absent: no label, a region
    without a border) fails no gate, but for those of ``OPTIONAL``, which are only set where they are wanted.
    """
    if gates.mode == 'off':
        return []
    return [gate.name for gate in GATES if _fails(gate, scores.get(gate.score), getattr(gates, gate.name))]


def _fails(gate: Gate, value: float | None, threshold: float | None) -> bool:
    if threshold is None:
        return False
    if value is None or math.isnan(value):
        return gate.name in OPTIONAL
    return not gate.holds(value, threshold)

"""Thresholds of the gates from measured edits: what those score that a viewer would accept, and what the others.

Accepted is an edit whose word is recognised and whose background has kept its colours: of the pixels beyond the
defects' halo no more than one in a hundred changed visibly. Neither is asked by a gate itself.

A proposed threshold lets 19 of 20 accepted edits pass. Where accepted edits do not score better than the others
(Mann-Whitney U, one-sided, 0.05 after Holm over the gates), the gate cannot tell them apart: it stays a guard
against outliers, at its present threshold or, if that refuses more than one accepted edit in 20, at the proposed
one. With fewer than 20 accepted edits nothing is proposed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from edit_ablation_claims import holm
from scipy.stats import mannwhitneyu

from augment.config.settings import GateSettings
from augment.quality.gates import GATES, OPTIONAL, Gate

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LOST = 0.05  # share of the accepted edits that a gate may refuse
VISIBLE = 0.01  # share of the background that may have changed
LEVEL = 0.05
FEWEST = round(1 / LOST)  # accepted edits of which one may be lost
NAMES = tuple(f'q{round(100 * share):02}' for share in QUANTILES)
COLUMNS = (
    'edits',
    'gate',
    'present',
    'accepted',
    *(f'accepted_{name}' for name in NAMES),
    'others',
    *(f'others_{name}' for name in NAMES),
    'auc',
    'p',
    'proposed',
    'accepted_refused',
    'others_refused',
)


def is_accepted(row: Mapping[str, str]) -> bool:
    """Whether a viewer would take the edit of a row."""
    return float(row['recognised']) > 0.5 and float(row['stray']) <= VISIBLE


def calibrated(rows: Sequence[Mapping[str, str]], edits: str) -> list[dict[str, Any]]:
    """A line for each gate that is on by default, from the rows of ``edits``."""
    split = {gate: _split(gate, rows) for gate in GATES if gate.name not in OPTIONAL}
    told_apart = {gate: separation(gate, *groups) for gate, groups in split.items()}
    corrected = holm([p for _, p in told_apart.values()])
    return [
        {'edits': edits, **_line(gate, *split[gate], told_apart[gate][0], p)}
        for gate, p in zip(split, corrected, strict=True)
    ]


def _split(gate: Gate, rows: Sequence[Mapping[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """The scores of the accepted edits and of the others; an undefined score passes its gate and is left out."""
    known = [(is_accepted(row), float(row[f'gate_{gate.score}'] or 'nan')) for row in rows]
    groups = (
        [value for taken, value in known if taken == want and not math.isnan(value)] for want in (True, False)
    )
    return tuple(np.array(group) for group in groups)


def _line(gate: Gate, accepted: np.ndarray, others: np.ndarray, auc: float, p: float) -> dict[str, Any]:
    present = getattr(GateSettings(), gate.name)
    threshold = proposed(gate, accepted, present, p)
    return {
        'gate': gate.name,
        'present': present,
        'accepted': len(accepted),
        **_quantiles('accepted', accepted),
        'others': len(others),
        **_quantiles('others', others),
        'auc': auc,
        'p': p,
        'proposed': threshold,
        'accepted_refused': _refused(gate, accepted, threshold),
        'others_refused': _refused(gate, others, threshold),
    }


def separation(gate: Gate, accepted: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """The chance that an accepted edit scores better than another one (0.5: the gate sees no difference), and the
    p-value of it being no better; NaN and 1 where either group is empty."""
    if not (len(accepted) and len(others)):
        return float('nan'), 1.0
    better, worse = (accepted, others) if gate.at_least else (-accepted, -others)
    test = mannwhitneyu(better, worse, alternative='greater')
    return float(test.statistic / (len(accepted) * len(others))), float(test.pvalue)


def proposed(gate: Gate, accepted: np.ndarray, present: float, p: float) -> float:
    """The threshold, rounded to the side of the accepted edits to two digits after the point."""
    if len(accepted) < FEWEST:
        return present
    quantile = np.quantile(accepted, LOST if gate.at_least else 1 - LOST)
    rounded = float((np.floor if gate.at_least else np.ceil)(100 * quantile) / 100)
    if p < LEVEL:
        return rounded
    return min(present, rounded) if gate.at_least else max(present, rounded)


def gates_text(lines: Sequence[Mapping[str, Any]], source: str) -> str:
    """What is proposed in place of a present threshold, as a preset has it, TOML; ``source``: measured on what."""
    changed = [line for line in lines if line['proposed'] != line['present']]
    head = f'[gates]  # calibrated on {source}\n'
    return head + ''.join(f'{line["gate"]} = {line["proposed"]}\n' for line in changed)


def _quantiles(group: str, values: np.ndarray) -> dict[str, float]:
    found = np.quantile(values, QUANTILES) if len(values) else [float('nan')] * len(QUANTILES)
    return {f'{group}_{name}': round(float(value), 4) for name, value in zip(NAMES, found, strict=True)}


def _refused(gate: Gate, values: np.ndarray, threshold: float) -> float:
    return float(np.mean([not gate.holds(value, threshold) for value in values])) if len(values) else float('nan')

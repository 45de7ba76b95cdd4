"""What is claimed of the method, and what the rows say to it: paired over the windows.

Each claim says that one row of a table scores higher than another. The differences of the two rows, window by
window, are put to the signed-rank test of Wilcoxon (two-sided; SciPy takes the exact distribution where there are
no ties), and Holm's correction counts all claims that were measured. Below 0.05 a claim is supported or, with the
opposite sign, refuted; else it is undecided, which is no proof of equality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

LEVEL = 0.05


@dataclass(frozen=True)
class Claim:
    """``score`` is higher in row ``more`` of ``table`` than in row ``less``."""

    text: str
    table: str
    score: str
    more: str
    less: str


@dataclass(frozen=True)
class Finding:
    """Mean difference over ``n`` windows and its p-value, not yet corrected; both NaN without any."""

    claim: Claim
    n: int
    difference: float
    p: float


UNBLENDED = 'unblended-inversion'
CLAIMS = (
    Claim('null-text leads back better than plain DDIM', 'inversion', 'recon_psnr', 'null-text', 'ddim'),
    Claim('null-text leads back better than NPI', 'inversion', 'recon_psnr', 'null-text', 'npi'),
    Claim('NPI leads back better than plain DDIM', 'inversion', 'recon_psnr', 'npi', 'ddim'),
    Claim('null-text costs more evaluations than NPI', 'inversion', 'forward', 'null-text', 'npi'),
    Claim(
        'null-text keeps the background better than plain DDIM',
        UNBLENDED,
        'background_psnr',
        'null-text',
        'ddim',
    ),
    Claim(
        'direct keeps the background better than null-text',
        UNBLENDED,
        'background_psnr',
        'direct',
        'null-text',
    ),
    Claim('direct shows the word better than null-text', 'inversion', 'word_score', 'direct', 'null-text'),
    Claim(
        'prox-npi keeps the background better than NPI',
        UNBLENDED,
        'background_psnr',
        'prox-npi',
        'npi',
    ),
    Claim('null-text begun at the source prompt leads back better', 'null-init', 'recon_psnr', 'source', 'empty'),
    Claim('null-text begun at the source prompt costs less', 'null-init', 'forward', 'empty', 'source'),
    Claim(
        'null-text begun at the source prompt changes the region more', 'null-init', 'change', 'source', 'empty'
    ),
    Claim('fixed-point passes make NPI lead back better', 'npi-fixed-point', 'recon_psnr', '2', '0'),
    Claim('RLI makes the inversion lead back better', 'rli', 'recon_psnr', '0.1', '0'),
    Claim('RLI raises the change in the region', 'rli', 'change', '0.1', '0'),
    Claim('RLI shows the word better', 'rli', 'word_score', '0.1', '0'),
    Claim('a longer cross window keeps more of the source', 'cross-window', 'change', '0', '0.8'),
    Claim('a longer cross window weakens the word', 'cross-window', 'word_score', '0', '0.8'),
    Claim('a longer self window keeps more of the source', 'self-window', 'change', '0', '0.8'),
    Claim('the equalizer strengthens the word', 'equalizer', 'word_score', '4', '1'),
    Claim('guidance strengthens the word', 'guidance', 'word_score', '15', '3'),
    Claim('guidance costs background', 'unblended-guidance', 'background_psnr', '3', '15'),
    Claim('guidance costs reconstruction', 'guidance', 'recon_psnr', '3', '15'),
    Claim('blending by the label keeps the background', 'blend', 'background_psnr', 'label', 'none'),
    Claim('blending by attention keeps the background', 'blend', 'background_psnr', 'attention', 'none'),
    Claim(
        'blending by attention keeps the background at a high threshold',
        'attention-blend',
        'background_psnr',
        '0.7',
        '0.3',
    ),
    Claim('blending by the label costs word', 'blend', 'word_score', 'none', 'label'),
)


def finding(claim: Claim, more: Mapping[str, float], less: Mapping[str, float]) -> Finding:
    """What the scores of two rows, by window, say; windows that only one of them has do not count."""
    pairs = np.array([(more[window], less[window]) for window in more if window in less], float).reshape(-1, 2)
    differences = pairs[:, 0] - pairs[:, 1]
    if not len(differences):
        return Finding(claim, 0, float('nan'), float('nan'))
    p = float(wilcoxon(differences).pvalue) if differences.any() else 1.0
    return Finding(claim, len(differences), float(differences.mean()), p)


def holm(values: Sequence[float]) -> list[float]:
    """Corrected p-values, in the order of ``values`` (Holm, 1979): each times the number of those not smaller,
    and never below that of a smaller one. NaN stays NaN and does not count."""
    order = [int(k) for k in np.argsort(values) if not np.isnan(values[k])]
    corrected, largest = [float('nan')] * len(values), 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * values[k]))
        corrected[k] = largest
    return corrected


def verdict(difference: float, p: float) -> str:
    """In one word, by the corrected ``p``."""
    if np.isnan(p):
        return 'not measured'
    if p >= LEVEL or not difference:
        return 'undecided'
    return 'supported' if difference > 0 else 'refuted'

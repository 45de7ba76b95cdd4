"""What scores and gates are called, and how numbers are written."""

import math
from dataclasses import dataclass

from augment.quality import GATES, IDENTICAL


@dataclass(frozen=True)
class Wording:
    """A score in words: its title, its unit, how many decimals it is given, and what it says."""

    title: str
    unit: str = ''
    digits: int = 2
    meaning: str = ''


SCORES = {
    'recon_psnr': Wording('Reconstruction', 'dB', 1, 'the photograph as the model draws it without an edit'),
    'background_psnr': Wording('Background', 'dB', 1, 'outside the edit, against the photograph'),
    'change': Wording('Change', '', 3, 'mean difference in the region, 1 = black against white'),
    'area': Wording('Edit area', '', 3, 'share of the photograph that may change'),
    'seam': Wording('Seam', '×', 2, 'step at the edge of the edit, after against before'),
    'survival': Wording('Contrast kept', '×', 2, 'defect against its surroundings, after against before'),
    'lpips': Wording('LPIPS', '', 3, 'perceptual distance to the photograph'),
    'clip': Wording('CLIP direction', '', 2, 'whether the picture moved as the words did, -1..1'),
    'psnr': Wording('PSNR', 'dB', 1, 'edited against original, the whole photograph'),
    'ssim': Wording('SSIM', '', 3, 'edited against original, the whole photograph'),
}
FAILURES = {
    'recon_psnr': 'poor reconstruction',
    'background_psnr': 'background changed',
    'smallest_change': 'hardly changed',
    'largest_change': 'changed too much',
    'largest_area': 'edit too large',
    'seam': 'visible seam',
    'survival': 'defect erased',
    'lpips': 'perceptually too far',
    'clip': 'not what the words say',
}
STATES = {
    'ok': 'usable',
    'rejected': 'rejected',
    'failed': 'failed',
    'skipped': 'skipped',
}


def wording(score: str) -> Wording:
    """The words for a score; one that is not known here is called by its name."""
    return SCORES.get(score, Wording(score))


def failure(gate: str) -> str:
    """What is wrong with an edit that fails this gate."""
    return FAILURES.get(gate, gate)


def number(value: float | None, score: str) -> str:
    """A score as a reader expects it: its decimals and its unit, ``identical`` for equal pixels, – for none."""
    if value is None or math.isnan(value):
        return '–'
    words = wording(score)
    if words.unit == 'dB' and value >= IDENTICAL:
        return 'identical'
    return f'{value:.{words.digits}f}{" " if words.unit == "dB" else ""}{words.unit}'.replace('-', '−', 1)


def reasons(why: str) -> str:
    """Why something was tried again: the gates that had failed in words, other texts as they are."""
    return ', '.join(map(failure, why.split(', ')))


def limit(gate: str, threshold: float) -> str:
    """A threshold in words: ``at least 25 dB``."""
    found = next(each for each in GATES if each.name == gate)
    words = wording(found.score)
    unit = f' {words.unit}' if words.unit == 'dB' else words.unit
    return f'at {"least" if found.at_least else "most"} {threshold:g}{unit}'


def duration(seconds: float | None) -> str:
    """``48 s``, ``12 min``, ``3.4 h``."""
    if seconds is None:
        return '–'
    if seconds < 100:
        return f'{seconds:.2g} s' if seconds < 10 else f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 6000 else f'{seconds / 3600:.1f} h'


def amount(count: int, one: str, many: str | None = None) -> str:
    """``1 edit``, ``12 edits``."""
    return f'{count:,} {one if count == 1 else many or one + "s"}'.replace(',', ' ')

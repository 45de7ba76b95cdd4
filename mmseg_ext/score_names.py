"""The names of scores: of a class (``IoU.crack``), of the whole (``mIoU``), of a protocol (``ODS@bsds-2px``).

Behind the ``@`` stands the *tag*, without which such a score means nothing: the protocol, how far a hit may lie
from the truth, and whether lines were thinned (``-thin``) and matched one to one (``-1to1``). Boundary F1 has but
one protocol, and its tag is the tolerance alone (``mBF@2px``, ``BF.crack@2px``). The scores of prompts are
percentages without a tag.
"""

import re

UNITS = {'px': ' px', 'd': ' of the diagonal'}
OPTIONS = {'thin': 'thinned', '1to1': 'matched one to one'}
BOUNDARY = ('BF', 'mBF', 'mBF_fg')
PROMPTED = ('catch_rate', 'yield_rate', 'PES', 'overkill_rate', 'mIoU_pos', 'mIoU_neg', 'prompt_sensitivity')
LESS_IS_BETTER = ('FalseAlarms', 'overkill_rate', 'mIoU_neg')
_TAG = re.compile(r'(?:(\w+)-)?([\d.]+)(px|d)((?:-(?:thin|1to1))*)')


def is_of_class(name: str) -> bool:
    """Whether a score is that of one class; a dot behind an ``@`` belongs to the tag."""
    return '.' in name.partition('@')[0]


def tag_of(name: str) -> str | None:
    """``bsds-2px`` of ``ODS@bsds-2px``; None of a score without a tag."""
    return None if is_of_class(name) else name.partition('@')[2] or None


def is_boundary(name: str) -> bool:
    """Whether a score is a boundary F1: one with a tag that is a percentage all the same."""
    return '@' in name and name.partition('@')[0].partition('.')[0] in BOUNDARY


def rounded(name: str, value: float) -> str:
    """A score as text, with its ``digits``."""
    return f'{value:.{digits(name)}f}'


def digits(name: str) -> int:
    """How many digits a score has: two for percentages and counts, four with a tag, where it lies in 0..1.

    A threshold has two: most grids have steps of a hundredth.
    """
    return 2 if tag_of(name) is None or is_boundary(name) or name.startswith('threshold@') else 4


def spoken(tag: str) -> str:
    """``deepcrack_tip, 2 px, thinned`` of ``deepcrack_tip-2px-thin``; a tag of any other form as it is."""
    parts = _TAG.fullmatch(tag)
    if parts is None:
        return tag
    protocol, amount, unit, options = parts.groups()
    words = [protocol, amount + UNITS[unit], *(OPTIONS[each] for each in options.split('-')[1:])]
    return ', '.join(filter(None, words))

"""How good an edit is, and whether it may be used."""

from augment.quality.gates import GATES, Gate, judge
from augment.quality.measure import IDENTICAL, measure

__all__ = ['GATES', 'IDENTICAL', 'Gate', 'judge', 'measure']

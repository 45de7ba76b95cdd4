"""From a comparison to its tables: in the columns of a paper, with the noise of every score and difference."""

from mmseg_ext.reports.comparison.cells import Cell, Change, Line, ScoreTable, Unfinished
from mmseg_ext.reports.comparison.records import Comparison

__all__ = ['Cell', 'Change', 'Line', 'ScoreTable', 'Unfinished', 'score_tables']


def score_tables(comparison: Comparison) -> tuple[ScoreTable, ...]:
    """One table for each test data and class list among the results; one without scores when there is none."""
    raise NotImplementedError

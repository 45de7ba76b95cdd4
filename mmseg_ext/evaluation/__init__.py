"""Metrics for rare defects, registered in mmseg's registry, and the table that shows them."""

from .defect_metric import DefectMetric
from .table import format_table

__all__ = ['DefectMetric', 'format_table']

"""Metrics for rare defects, registered in mmseg's registry, and the table that shows them."""

import mmseg_ext.upstream  # noqa: F401 (before anything that imports mmseg)

from .boundary_metric import BoundaryMetric
from .defect_metric import DefectMetric
from .prompted_metric import PromptedMetric
from .table import format_table
from .threshold_metric import ThresholdMetric

__all__ = ['BoundaryMetric', 'DefectMetric', 'PromptedMetric', 'ThresholdMetric', 'format_table']

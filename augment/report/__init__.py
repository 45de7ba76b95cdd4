"""The page that shows what a run made."""

from augment.report.write import write_report

__all__ = ['write_report']

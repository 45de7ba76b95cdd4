"""One page that compares the runs of a project: a single HTML file that needs no network."""

from mmseg_ext.reports.page.write import write_report

__all__ = ['write_report']

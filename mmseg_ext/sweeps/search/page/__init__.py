"""The page of a search: what was tried, what came out, and what made the difference."""

from mmseg_ext.sweeps.search.page.write import write_page

__all__ = ['write_page']

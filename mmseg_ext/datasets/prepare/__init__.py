"""Public downloads, as they come, into the layout that all data sets here share (see data/README.md)."""

from mmseg_ext.datasets.prepare.download import Options
from mmseg_ext.datasets.prepare.pipeline import Prepared, prepare_set
from mmseg_ext.datasets.prepare.sources import SOURCES

__all__ = ['SOURCES', 'Options', 'Prepared', 'prepare_set']

"""Segmentation of rare, tiny defects: data sets, losses, metrics and an engine on top of mmsegmentation."""

__version__ = '0.1.0'

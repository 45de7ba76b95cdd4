"""Drawn stand-in for photographs that may not be shared: worn blades with attached and broken defects."""

from mmseg_ext.rendering.settings import RenderSettings
from mmseg_ext.rendering.write import render_set

__all__ = ['RenderSettings', 'render_set']

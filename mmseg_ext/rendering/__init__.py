"""Drawn stand-in for photographs that may not be shared: worn blades with attached and broken defects."""

from mmseg_ext.rendering.write import RenderSettings, render_set

__all__ = ['RenderSettings', 'render_set']

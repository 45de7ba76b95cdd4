"""A trained model as one ONNX file that takes plain images and needs nothing of this project."""

import mmseg_ext.engine  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.export.exporting import Export, export
from mmseg_ext.export.packages import require_packages

__all__ = ['Export', 'export', 'require_packages']

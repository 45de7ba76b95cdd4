"""Data sets in one layout (see ``checked``), and the one check that serves them (see ``check``)."""

import mmseg_ext.upstream  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.datasets import samplers as samplers
from mmseg_ext.datasets import transforms as transforms
from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.crack import CrackDataset
from mmseg_ext.datasets.indoor import IndoorDataset
from mmseg_ext.datasets.magnetic_tile import MagneticTileDataset
from mmseg_ext.datasets.prompt_pairs import PromptPairDataset
from mmseg_ext.datasets.wta import WTADataset

__all__ = [
    'CheckedSegDataset',
    'CrackDataset',
    'IndoorDataset',
    'MagneticTileDataset',
    'PromptPairDataset',
    'WTADataset',
]

"""What a trained model is for: masks, scores and counts of images that nobody has labelled."""

import mmseg_ext.engine  # noqa: F401 (before anything that imports mmseg)
from mmseg_ext.engine.training import find_checkpoint
from mmseg_ext.inference.predictor import Prediction, Predictor
from mmseg_ext.inference.prompt_folder import PromptFolder
from mmseg_ext.inference.prompting import Prompting
from mmseg_ext.inference.sources import find_config
from mmseg_ext.inference.tiles import Tiling
from mmseg_ext.models.test_time import Views

__all__ = [
    'Prediction',
    'Predictor',
    'PromptFolder',
    'Prompting',
    'Tiling',
    'Views',
    'find_checkpoint',
    'find_config',
]

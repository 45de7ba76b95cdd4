"""What an exported file says about itself, for whoever finds it without the run."""

import hashlib
import json
from pathlib import Path

from mmengine.config import Config

import mmseg_ext
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.engine.results import commit
from mmseg_ext.engine.threshold import Threshold


def describe(
    cfg: Config,
    recipe: str,
    checkpoint: Path,
    classes: list[str],
    palette: list[list[int]],
    threshold: Threshold,
    size: str,
) -> dict[str, str]:
    """The metadata of a file: texts, and JSON for ``classes`` (names in order) and ``palette`` (RGB 0..255).

    ``threshold`` is what the mask of a single map was decided with, and empty where the most probable class wins.
    """
    meta = read_checkpoint(checkpoint).get('meta', {})
    return {
        'producer': f'mmseg-ext {mmseg_ext.__version__}',
        'input': f'image: {size} x 3, uint8 0..255, RGB; normalised and padded inside',
        'output': 'probabilities: N x C x H x W float32, 0..1; mask: N x H x W uint8, positions in classes',
        'classes': json.dumps(classes, ensure_ascii=False),
        'palette': json.dumps(palette),
        'threshold': '' if threshold.used is None else str(threshold.used),
        'threshold_origin': '' if threshold.used is None else threshold.origin,
        'recipe': recipe,
        'config_hash': config_hash(cfg),
        'checkpoint': checkpoint.name,
        'checkpoint_sha256': hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        'iteration': str(meta.get('iter', '')),
        'seed': str(meta.get('seed', cfg.get('randomness', {}).get('seed', ''))),
        'commit': str(commit() or ''),
    }

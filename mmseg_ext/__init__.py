"""Segmentation of rare, tiny defects: data sets, losses, metrics and an engine on top of mmsegmentation.

From Python, a trained run is used like this (arrays are BGR, as cv2 reads them):

    model = mmseg_ext.load(checkpoint='work_dirs/default/exp/quick/demo_blade')
    mask, scores = model.predict('photo.jpg')
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from mmengine.config import Config

    from mmseg_ext.inference import Predictor, Prompting

__version__ = '0.1.0'
__all__ = ['load']


def load(
    config: str | Path | Config | None = None,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
    tile: int | str | None = 'auto',
    overlap: int = 256,
    tta: str | Sequence[str] | None = None,
    prompting: Prompting | None = None,
) -> Predictor:
    """A trained model that predicts: ``load(config, checkpoint).predict(image) -> mask, scores``.

    ``config`` is a recipe, the ``config.py`` of a run, or a config already read; it may be left out when
    ``checkpoint`` lies in a run's folder. ``checkpoint`` is a .pth file, or the folder of a run, of which the best
    weights are taken. ``device`` is a GPU if there is one. ``tile`` and ``overlap`` are explained in
    ``mmseg_ext.inference.Tiling``. ``tta`` turns on test-time augmentation: the mean over several views of each
    image, such as ``'flip'`` or ``'flip vflip scales=0.75,1,1.25'``. ``prompting`` is what a model that is asked
    by example is shown: ``Prompting(PromptFolder.find('images', 'labels'))``, both of ``mmseg_ext.inference``.
    Raises UsageError that says what is wrong and the cure.
    """
    from mmseg_ext.inference import Predictor, Tiling, Views, find_checkpoint, find_config  # seconds: torch

    if checkpoint is None:
        from mmseg_ext.errors import UsageError

        raise UsageError('no checkpoint given; name a .pth file or the folder of a run')
    cfg = find_config(checkpoint) if config is None else config
    views = None if tta is None else Views.parse(tta)
    return Predictor(cfg, find_checkpoint(checkpoint), device, Tiling(tile, overlap), views, prompting)

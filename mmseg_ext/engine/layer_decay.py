"""Learning rates that fall from layer to layer, set up in silence."""

import contextlib
import io
from typing import Any

from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(LearningRateDecayOptimizerConstructor):
    """mmseg's constructor, which prints two lines for every weight of the network, without the lines."""

    def add_params(self, params: list[dict], module: nn.Module, **place: Any) -> None:
        """Append one group of weights per layer to ``params``; the last layer and the heads get the full rate."""
        with contextlib.redirect_stdout(io.StringIO()):
            super().add_params(params, module, **place)

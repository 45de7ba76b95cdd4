"""The network of a run, whatever several processes have around it."""

from mmengine.model import is_model_wrapper
from torch import nn


def unwrapped(model: nn.Module) -> nn.Module:
    """The network in a wrapper such as DistributedDataParallel; any other as it is."""
    return model.module if is_model_wrapper(model) else model

"""Hooks that every run has: safe checkpoints, finite losses, their record, equal buffers, saved predictions."""

from mmseg_ext.engine.hooks.buffers import AverageBuffersHook
from mmseg_ext.engine.hooks.checkpoint import AtomicCheckpointHook
from mmseg_ext.engine.hooks.finite_loss import FiniteLossHook
from mmseg_ext.engine.hooks.predictions import SavePredictionsHook
from mmseg_ext.engine.hooks.runtime_info import DeferredInfoHook

__all__ = [
    'AtomicCheckpointHook',
    'AverageBuffersHook',
    'DeferredInfoHook',
    'FiniteLossHook',
    'SavePredictionsHook',
]

"""Hooks that every run has: safe checkpoints, finite losses, equal buffers, saved predictions."""

from mmseg_ext.engine.hooks.buffers import AverageBuffersHook
from mmseg_ext.engine.hooks.checkpoint import AtomicCheckpointHook
from mmseg_ext.engine.hooks.finite_loss import FiniteLossHook
from mmseg_ext.engine.hooks.predictions import SavePredictionsHook

__all__ = ['AtomicCheckpointHook', 'AverageBuffersHook', 'FiniteLossHook', 'SavePredictionsHook']

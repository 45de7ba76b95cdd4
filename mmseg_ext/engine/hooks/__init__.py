"""Hooks of a run: checkpoints, finite losses and their record, averages, masks, prompts, an early end."""

from mmseg_ext.engine.hooks.buffers import AverageBuffersHook
from mmseg_ext.engine.hooks.checkpoint import AtomicCheckpointHook
from mmseg_ext.engine.hooks.early_stop import EarlyStopHook
from mmseg_ext.engine.hooks.ema import AveragedWeightsHook
from mmseg_ext.engine.hooks.finite_loss import FiniteLossHook
from mmseg_ext.engine.hooks.predictions import SavePredictionsHook
from mmseg_ext.engine.hooks.prompt_file import PromptFileHook
from mmseg_ext.engine.hooks.prompt_panels import PromptPanelsHook
from mmseg_ext.engine.hooks.runtime_info import DeferredInfoHook

__all__ = [
    'AtomicCheckpointHook',
    'AverageBuffersHook',
    'AveragedWeightsHook',
    'DeferredInfoHook',
    'EarlyStopHook',
    'FiniteLossHook',
    'PromptFileHook',
    'PromptPanelsHook',
    'SavePredictionsHook',
]

"""Samplers registered in mmseg's registry: which images come when."""

from .class_balanced import ClassBalancedSampler

__all__ = ['ClassBalancedSampler']

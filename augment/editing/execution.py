"""The UNet in the state that a runtime asks for, and afterwards as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch

from augment.editing.runtime import Runtime

if TYPE_CHECKING:
    from augment.sdxl.upstream import UNet2DConditionModel

# One code serves blocks of several widths, interpolated or not, with gradients or without, for any number of rows.
RECOMPILATIONS = 64


@contextmanager
def running(unet: UNet2DConditionModel, runtime: Runtime) -> Iterator[UNet2DConditionModel]:
    """Recompute activations, and run compiled blocks, as ``runtime`` says.

    Compilation is of the repeated transformer blocks, takes place once a pipeline, and stays: an editor that does
    not ask for it runs the same pipeline uncompiled. ``torch.compile`` itself is lazy; the first calls take long.
    """
    with _checkpointing(unet, runtime.checkpointing), _compiled(unet, runtime.compile):
        yield unet


@contextmanager
def _checkpointing(unet: UNet2DConditionModel, wanted: bool) -> Iterator[None]:
    before = unet.is_gradient_checkpointing
    if wanted == before:
        yield
        return
    switches = unet.disable_gradient_checkpointing, unet.enable_gradient_checkpointing
    switches[wanted]()
    try:
        yield
    finally:
        switches[before]()


@contextmanager
def _compiled(unet: UNet2DConditionModel, wanted: bool) -> Iterator[None]:
    compiled = any(module._compiled_call_impl is not None for module in unet.modules())
    if not wanted:
        with torch.compiler.set_stance('force_eager') if compiled else nullcontext():
            yield
        return
    if not compiled:
        unet.compile_repeated_blocks(fullgraph=True)
    with torch._dynamo.config.patch(recompile_limit=RECOMPILATIONS):
        yield

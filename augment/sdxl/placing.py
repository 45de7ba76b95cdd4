"""Which device each part of the model is on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from augment.sdxl.upstream import StableDiffusionXLPipeline


def offload(pipe: StableDiffusionXLPipeline, device: torch.device | str) -> None:
    """Keep the UNet on ``device``; text encoders and VAE live on the CPU and visit ``device`` while they work.

    Nothing changes in what they compute. On a CPU it costs and saves nothing.
    """
    from accelerate import cpu_offload_with_hook

    pipe.unet.to(device)
    for part in (pipe.text_encoder, pipe.text_encoder_2, pipe.vae):
        if not hasattr(part, '_hf_hook'):
            cpu_offload_with_hook(part, device)


@contextmanager
def resident(part: nn.Module) -> Iterator[torch.device]:
    """Yield the device on which ``part`` computes; a part that was offloaded leaves it when the block ends."""
    hook = getattr(part, '_hf_hook', None)
    if hook is None:
        yield next(part.parameters()).device
        return
    try:
        yield torch.device(hook.execution_device)
    finally:
        part.to('cpu')

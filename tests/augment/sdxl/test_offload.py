"""Parts that visit the device while they work give what they gave before."""

import numpy as np
import pytest
import torch

from augment.sdxl.conditioning import encode
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.placing import offload, resident
from augment.sdxl.tiny import tiny_sdxl


def outputs(pipe):
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    z = encode_images(pipe, images)
    cond = encode(pipe, ['photo of a crack'])
    return cond.seq.cpu(), cond.pooled.cpu(), z.cpu(), torch.from_numpy(decode_latents(pipe, z))


def test_on_a_cpu_nothing_changes_however_often():
    pipe = tiny_sdxl(0)
    expected = outputs(pipe)
    for _ in range(2):
        offload(pipe, 'cpu')
        assert all(torch.equal(a, b) for a, b in zip(outputs(pipe), expected, strict=True))


def test_parts_are_on_their_device_inside_and_back_on_the_cpu_after():
    """The meta device stands in for an accelerator: it has a place, but nothing can be computed there."""
    pipe = tiny_sdxl(0)
    moves = []
    original = pipe.vae.to
    offload(pipe, 'cpu')
    pipe.vae._hf_hook.execution_device = torch.device('meta')
    pipe.vae.to = lambda *args: moves.append(args[0]) or original('cpu')
    with resident(pipe.vae) as device:
        assert device == torch.device('meta')
        assert moves == []
    assert moves == ['cpu']
    with pytest.raises(KeyError), resident(pipe.vae):
        raise KeyError
    assert moves == ['cpu', 'cpu'], 'after an error too'


def test_without_offloading_a_part_stays():
    pipe = tiny_sdxl(0)
    with resident(pipe.unet) as device:
        assert device == torch.device('cpu')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_on_a_gpu_only_the_unet_stays():
    pipe = tiny_sdxl(0)
    expected = outputs(pipe)
    offload(pipe, 'cuda')
    for one, other in zip(outputs(pipe), expected, strict=True):
        torch.testing.assert_close(one.float(), other.float(), rtol=1e-2, atol=1.5)
    assert pipe.unet.device.type == 'cuda'
    assert {part.device.type for part in (pipe.vae, pipe.text_encoder, pipe.text_encoder_2)} == {'cpu'}

"""Photographs to latents and back."""

import numpy as np
import pytest
import torch

from augment.errors import NonFiniteError, UsageError
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.tiny import tiny_sdxl


def photographs(n=2, height=64, width=48):
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


@torch.no_grad()
def test_the_mode_of_the_posterior_scaled_by_the_factor_of_the_config(pipe):
    images = photographs()
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    expected = pipe.vae.encode(pixels).latent_dist.mean * 0.13025
    z = encode_images(pipe, images)
    assert z.shape == (2, 4, 8, 6)
    assert z.dtype == torch.float32
    torch.testing.assert_close(z, expected, rtol=1e-4, atol=1e-5)


def test_encoding_draws_nothing_and_sees_no_neighbours(pipe):
    images = photographs(3)
    assert torch.equal(encode_images(pipe, images), encode_images(pipe, images))
    assert torch.equal(encode_images(pipe, images)[1:2], encode_images(pipe, images[1:2]))


@torch.no_grad()
def test_pixels_as_the_pipeline_gives_them(pipe):
    z = torch.randn(2, 4, 8, 6, generator=torch.Generator().manual_seed(0))
    decoded = pipe.vae.decode(z / pipe.vae.config.scaling_factor).sample
    expected = np.stack([np.asarray(image) for image in pipe.image_processor.postprocess(decoded)])
    images = decode_latents(pipe, z)
    assert images.shape == (2, 64, 48, 3)
    assert images.dtype == np.uint8
    assert np.abs(images.astype(int) - expected).max() <= 1  # rounding of a half, once for each library


def test_pixels_beyond_the_range_are_cut_not_wrapped(pipe):
    from types import SimpleNamespace

    def vae_giving(value):
        sample = torch.full((1, 3, 8, 8), value)
        config, parameters = SimpleNamespace(scaling_factor=1.0), lambda: iter([torch.zeros(1)])
        decode = lambda z: SimpleNamespace(sample=sample)  # noqa: E731
        return SimpleNamespace(config=config, dtype=torch.float32, decode=decode, parameters=parameters)

    for value, pixel in [(-1.5, 0), (-1.0, 0), (0.0, 128), (1.0, 255), (7.0, 255)]:
        assert (decode_latents(SimpleNamespace(vae=vae_giving(value)), torch.zeros(1, 4, 1, 1)) == pixel).all()
    with pytest.raises(NonFiniteError, match='decoder'):
        decode_latents(SimpleNamespace(vae=vae_giving(float('nan'))), torch.zeros(1, 4, 1, 1))


def test_a_vae_in_half_precision_is_brought_back():
    pipe = tiny_sdxl(0)
    expected = encode_images(pipe, photographs(1))
    pipe.vae.to(torch.float16)
    z = encode_images(pipe, photographs(1))
    assert pipe.vae.dtype == torch.float32
    torch.testing.assert_close(z, expected, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    'images',
    [photographs()[0], photographs().astype(np.float32), photographs()[..., :1], photographs(1, 60, 64)],
    ids=['one', 'float', 'grey', 'odd'],
)
def test_what_is_no_batch_of_photographs_is_refused(pipe, images):
    with pytest.raises(UsageError, match='images: '):
        encode_images(pipe, images)

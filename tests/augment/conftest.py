"""The tiny model, made once: tests that change it make their own."""

import pytest


@pytest.fixture(scope='session')
def pipe():
    """Tiny stable diffusion XL with the weights of seed 0, shared; leave it as it is."""
    from augment.sdxl.tiny import tiny_sdxl

    return tiny_sdxl(0)

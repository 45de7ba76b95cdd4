"""StandardizedUNet: exposure leaves no trace, colours do, and the rest is mmseg's U-Net."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.models import UNet
from torch import Tensor

from mmseg_ext.models.backbones.standardized_unet import EPS, StandardizedUNet, standardize

SMALL = dict(
    base_channels=4,
    num_stages=3,
    strides=(2, 1, 1),
    enc_num_convs=(1, 1, 1),
    dec_num_convs=(1, 1),
    downsamples=(True, True),
    enc_dilations=(1, 1, 1),
    dec_dilations=(1, 1),
)


@pytest.fixture(autouse=True)
def _scope() -> None:
    init_default_scope('mmseg')  # mmseg's U-Net looks for its own parts there


def images(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, 16, 24, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def built(kind: type[UNet]) -> UNet:
    torch.manual_seed(0)
    network = kind(**SMALL).double()
    network.eval()  # mmseg's returns None
    return network


def test_by_hand():
    image = torch.tensor([1.0, 3.0]).expand(1, 3, 4, 2)  # mean 2, variance 1
    expected = torch.tensor([-1.0, 1.0]) / (1 + EPS) ** 0.5
    torch.testing.assert_close(standardize(image), expected.expand(1, 3, 4, 2))


def test_each_image_by_itself_has_mean_0_and_deviation_1():
    scaled = torch.stack([images()[0] * 50 + 7, images()[1] * 9 - 40])
    result = standardize(scaled)
    torch.testing.assert_close(result.mean((1, 2, 3)), torch.zeros(2, dtype=torch.double), atol=1e-9, rtol=0)
    torch.testing.assert_close(result.std((1, 2, 3), correction=0), torch.ones(2).double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(result[:1], standardize(scaled[:1]))


def test_channels_keep_their_differences():
    red = images()
    red[:, 0] += 2
    lift = standardize(red).mean((2, 3))
    assert (lift[:, 0] > 0.8).all()
    assert (lift[:, 1:] < 0).all()


def test_an_image_of_one_colour_is_black_and_not_noise():
    flat = torch.full((1, 3, 8, 8), 2.0, requires_grad=True)
    result = standardize(flat)
    assert (result == 0).all()
    assert standardize(flat + 1e-3 * images()[:1, :, :8, :8]).abs().max() < 0.1
    result.sum().backward()
    assert flat.grad.isfinite().all()


def test_features_are_those_of_unet_on_the_standardized_image():
    ours, upstream = built(StandardizedUNet), built(UNet)
    upstream.load_state_dict(ours.state_dict())
    found = ours(images())
    for ours_level, theirs in zip(found, upstream(standardize(images())), strict=True):
        torch.testing.assert_close(ours_level, theirs)
    assert found[-1].shape == (2, 4, 8, 12)


@pytest.mark.parametrize(('gain', 'offset'), [(0.5, -1.0), (2.0, 3.0)])
def test_another_exposure_gives_the_same_features(gain, offset):
    network = built(StandardizedUNet)
    bright = images() * 10  # contrast large beside eps
    torch.testing.assert_close(network(bright * gain + offset)[-1], network(bright)[-1], atol=1e-2, rtol=1e-2)

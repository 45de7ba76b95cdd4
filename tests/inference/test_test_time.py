"""Test-time augmentation: what is asked for, what the network is told, and what comes out."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn
from untrained_run import UNET, random_weights

import mmseg_ext
from mmseg_ext.errors import UsageError
from mmseg_ext.functional.views import View
from mmseg_ext.models.test_time import Views, input_multiple, set_views

ALL = 'flip vflip scales=0.75,1,1.5'


class Preprocessor:
    test_cfg = None


class Told(nn.Module):
    """One convolution as the whole network; it keeps what it is told."""

    data_preprocessor = Preprocessor()

    def __init__(self, kernel: int = 1, classes: int = 3):
        super().__init__()
        self.layer = nn.Conv2d(3, classes, kernel, padding=kernel // 2)
        self.told = []

    @torch.no_grad()
    def inference(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        self.told.append((tuple(inputs.shape), copy.deepcopy(metas)))
        metas[0]['img_shape'] = torch.Size((1, 1))  # as mmseg does when it looks window by window
        return self.layer(inputs)


def metas(count: int, height: int, width: int) -> list[dict]:
    whole = dict(ori_shape=(height - 3, width), img_shape=(height - 3, width), pad_shape=(height, width))
    return [dict(whole, name=index) for index in range(count)]


def built(model: dict = UNET) -> nn.Module:
    init_default_scope('mmseg')
    network = MODELS.build(ConfigDict(model))
    network.load_state_dict(random_weights(model))
    return network.eval()


def asked(network: nn.Module, views: str | None, inputs: Tensor) -> Tensor:
    """What a copy of the network answers when it sees ``views``."""
    network = copy.deepcopy(network)
    if views:
        set_views(network, Views.parse(views))
    with torch.no_grad():
        return network.inference(inputs, metas(len(inputs), *inputs.shape[2:]))


@pytest.mark.parametrize(
    ('words', 'views'),
    [
        ('', Views(flip=True)),
        ([], Views(flip=True)),
        ('flip', Views(flip=True)),
        (['vflip'], Views(vflip=True)),
        ('scales=1', Views()),
        ('scales=.5,1', Views(scales=(0.5, 1.0))),
        ('scales=0.75,1,1.25 vflip flip', Views(True, True, (0.75, 1.0, 1.25))),
    ],
)
def test_words_mean_views(words, views):
    assert Views.parse(words) == views


@given(
    st.booleans(), st.booleans(), st.lists(st.floats(0.1, 4).map(lambda x: round(x, 6)), min_size=1, unique=True)
)
def test_the_text_of_views_means_them_again(flip, vflip, scales):
    views = Views(flip, vflip, tuple(scales))
    assert Views.parse(str(views)) == views
    assert len(set(views)) == len(list(views)) == len(scales) * (1 + flip) * (1 + vflip)


def test_views_are_all_combinations():
    assert list(Views.parse('flip')) == [View(), View(flip=True)]
    assert list(Views.parse('vflip scales=0.5,1')) == [
        View(scale=0.5), View(vflip=True, scale=0.5), View(), View(vflip=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        ('rotate', "tta 'rotate': expected flip, vflip, scales="),
        ('flip flip', "tta 'flip': expected .* each at most once"),
        ('flip=1', "tta 'flip=1'"),
        ('scales', 'tta scales=: expected numbers'),
        ('scales=1,two', 'tta scales=1,two: expected numbers'),
        ('scales=1,0', 'tta scales=0: expected numbers from 0.1 to 4'),
        ('scales=nan', 'tta scales=nan'),
        ('scales=1,9,-1', 'tta scales=9,-1'),
        ('scales=1,2,1', 'tta scales=1,2,1: .* each once'),
    ],
)
def test_other_words_are_refused(words, said):
    with pytest.raises(UsageError, match=said):
        Views.parse(words)


def test_the_network_is_told_the_size_of_what_it_sees():
    network = Told()
    asked_of = metas(2, 64, 96)
    set_views(network, Views.parse('flip scales=1,0.5'))
    network.inference(torch.randn(2, 3, 64, 96), asked_of)
    assert asked_of == metas(2, 64, 96)  # whatever a network writes into its copies
    small = [dict(meta, img_shape=(32, 32 * 2), pad_shape=(32, 64)) for meta in asked_of]
    plain, half = ((2, 3, 64, 96), asked_of), ((2, 3, 32, 64), small)
    assert network.told == [plain, plain, half, half]
    assert not any(isinstance(told[0]['pad_shape'], torch.Size) for _, told in network.told)


def test_sides_are_multiples_of_what_the_config_pads_to():
    network = Told()
    assert input_multiple(network) == 32
    network.data_preprocessor = Preprocessor()
    network.data_preprocessor.test_cfg = dict(size_divisor=48)
    assert input_multiple(network) == 96


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(UsageError, match='Linear has no method "inference"'):
        set_views(nn.Linear(1, 1), Views())


@pytest.mark.parametrize('mode', [dict(mode='whole'), dict(mode='slide', crop_size=(48, 48), stride=(32, 32))])
def test_one_view_that_is_the_image_is_the_plain_answer(mode):
    network, inputs = built(dict(UNET, test_cfg=mode)), torch.randn(2, 3, 64, 96)
    assert torch.equal(asked(network, 'scales=1', inputs), asked(network, None, inputs))


@pytest.mark.parametrize('classes', [1, 3])
@pytest.mark.parametrize('views', ['flip', 'vflip', 'flip vflip'])
def test_a_network_that_looks_at_single_pixels_gains_nothing(classes, views):
    network, inputs = Told(1, classes), torch.randn(1, 3, 33, 50)
    plain, augmented = asked(network, None, inputs), asked(network, views, inputs)
    known = augmented if classes == 1 else augmented - augmented[:, :1] + plain[:, :1]
    np.testing.assert_allclose(known, plain, atol=1e-5)
    assert (asked(Told(3, classes), views, inputs) - asked(Told(3, classes), None, inputs)).abs().max() > 0.1


@pytest.mark.parametrize('mode', [dict(mode='whole'), dict(mode='slide', crop_size=(48, 48), stride=(32, 32))])
@pytest.mark.parametrize(('views', 'axes'), [('flip', [3]), ('vflip', [2]), (ALL, [3]), (ALL, [2, 3])])
def test_the_answer_to_a_mirrored_image_is_the_mirrored_answer(mode, views, axes):
    """Whatever the network; it holds only where each answer is brought back to where it belongs."""
    network, inputs = built(dict(UNET, test_cfg=mode)), torch.randn(1, 3, 64, 96)
    answer = asked(network, views, inputs)
    assert answer.shape == (1, 3, 64, 96)
    np.testing.assert_allclose(asked(network, views, inputs.flip(axes)).flip(axes), answer, atol=1e-3)
    plain = asked(network, None, inputs)
    assert (asked(network, None, inputs.flip(axes)).flip(axes) - plain).abs().max() > 0.1


def test_the_answer_is_the_mean_of_plain_answers():
    network, inputs = built(), torch.randn(1, 3, 64, 96)
    seen = [asked(network, None, inputs), asked(network, None, inputs.flip(3)).flip(3)]
    expected = sum(each.softmax(1) for each in seen) / 2
    np.testing.assert_allclose(asked(network, 'flip', inputs).softmax(1), expected, atol=1e-6)


def photo(project) -> str:
    return str(min((project.data / 'img_dir/test').iterdir()))


def test_a_loaded_model_sees_views(project, make_run):
    run, image = make_run(), photo(project)
    plain = mmseg_ext.load(checkpoint=run).predict(image)
    same = mmseg_ext.load(checkpoint=run, tta='scales=1').predict(image)
    for one, other in zip(plain, same, strict=True):
        np.testing.assert_array_equal(one, other)
    mask, scores = mmseg_ext.load(checkpoint=run, tta=['flip', 'scales=1,1.5']).predict(image)
    assert (mask != plain[0]).any()
    np.testing.assert_allclose(scores.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(mask, scores.argmax(0))
    with pytest.raises(UsageError, match="tta 'turn'"):
        mmseg_ext.load(checkpoint=run, tta='turn')


def test_tiles_are_seen_so_too(make_run):
    """Mirrored tiles are seen by a network of short sight as the mirrored image is."""
    run, rng = make_run(), np.random.default_rng(0)
    image = rng.integers(0, 256, (320, 384, 3), dtype=np.uint8)
    whole = mmseg_ext.load(checkpoint=run, tile='none', tta='flip vflip')
    tiled = mmseg_ext.load(checkpoint=run, tile=192, overlap=96, tta='flip vflip')
    assert [len(each) for each in tiled.network.spans(tiled.reader(image))] == [3, 3]
    expected, scores = whole.predict(image)[1], tiled.predict(image)[1]
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    assert np.abs(mmseg_ext.load(checkpoint=run).predict(image)[1] - expected).max() > 0.1


def test_a_single_logit_is_decided_by_its_threshold(project, make_run):
    model = copy.deepcopy(UNET)
    model['decode_head'].update(num_classes=2, out_channels=1, threshold=0.6)
    run = make_run(model)
    cfg = Config.fromfile(run / 'train/config.py')
    cfg.test_dataloader.dataset.metainfo = dict(classes=['background', 'blob'])
    mask, (probability,) = mmseg_ext.load(cfg, run, tta='flip').predict(photo(project))
    np.testing.assert_array_equal(mask == 1, probability > np.float32(0.6))
    assert 0 < mask.mean() < 1
    plain = mmseg_ext.load(cfg, run).predict(photo(project))[1][0]
    assert (probability != plain).mean() > 0.9

"""LPIPS and CLIP behind the gates that ask for them, with networks that can be worked out by hand."""

import math
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from augment.config.settings import GateSettings
from augment.errors import UsageError
from augment.quality import perceptual
from augment.quality.perceptual import Perceptual, load_perceptual
from augment.regions.windows import Window


class Batch(dict):
    def to(self, device):
        return self


class Processor:
    """Words become the vectors of ``TEXTS``, pictures their mean colour."""

    TEXTS = {'plain': (1.0, 0.0, 0.0), 'red': (0.6, 0.8, 0.0)}

    def __call__(self, text=None, images=None, return_tensors='pt', padding=False):
        rows = [self.TEXTS[each] for each in text] if text else [each.mean((0, 1)) for each in images]
        return Batch(rows=torch.tensor(np.array(rows)))


class Network:
    get_text_features = get_image_features = staticmethod(lambda rows: SimpleNamespace(pooler_output=rows))


def edit(image, *windows, prompt='red'):
    return SimpleNamespace(image=image, windows=windows, target_prompt=prompt)


def picture(*colour) -> np.ndarray:
    return np.full((8, 16, 3), colour, np.uint8)


def test_clip_follows_the_direction_of_the_words():
    """The prompt moves by (-.4, .8, 0); red becomes (.6, .8, 0), the same move, or blue, a move by (-1, 0, 1)."""
    measured = Perceptual('plain', clip_network=Network, processor=Processor())
    left, right = Window(0, 0, 8, 8), Window(0, 8, 8, 8)
    after = picture(60, 80, 0)
    assert measured.clip(picture(100, 0, 0), edit(after, left, right)) == pytest.approx(1)
    after[:, 8:] = (0, 0, 50)
    away = 0.4 / (math.sqrt(0.8) * math.sqrt(2))
    assert measured.clip(picture(100, 0, 0), edit(after, right)) == pytest.approx(away)
    assert measured.clip(picture(100, 0, 0), edit(after, left, right)) == pytest.approx((1 + away) / 2)


def test_no_direction_no_cosine():
    measured = Perceptual('plain', clip_network=Network, processor=Processor())
    window = Window(0, 0, 8, 16)
    assert math.isnan(measured.clip(picture(9, 0, 0), edit(picture(90, 0, 0), window)))
    assert math.isnan(measured.clip(picture(9, 0, 0), edit(picture(0, 9, 0), window, prompt='plain')))


def test_a_real_clip_model_fits():
    from transformers import CLIPConfig, CLIPModel

    size = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config=size | dict(vocab_size=50, bos_token_id=48, eos_token_id=49),
        vision_config=size | dict(image_size=8, patch_size=4),
        projection_dim=12,
    )

    def processor(text=None, images=None, return_tensors='pt', padding=False):
        if text:
            return Batch(input_ids=torch.tensor([[48, len(each), 49] for each in text]))
        return Batch(pixel_values=torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float() / 255)

    measured = Perceptual('plain', clip_network=CLIPModel(config).eval(), processor=processor)
    value = measured.clip(picture(9, 90, 30), edit(picture(200, 9, 30), Window(0, 0, 8, 8)))  # 5 and 3 letters
    assert -1 <= value <= 1


def test_lpips_is_given_pictures_between_minus_one_and_one():
    seen = []

    def network(*pictures):
        seen.extend(pictures)
        return torch.tensor(0.25)

    assert Perceptual(lpips_network=network).lpips(picture(0, 255, 0), picture(255, 255, 0)) == 0.25
    assert [tuple(each.shape) for each in seen] == [(1, 3, 8, 16)] * 2
    assert [each[0, :, 0, 0].tolist() for each in seen] == [[-1, 1, -1], [1, 1, -1]]


def test_nothing_is_loaded_unless_a_gate_names_it(monkeypatch):
    monkeypatch.setattr(perceptual, 'import_module', lambda name: 1 / 0)
    assert load_perceptual(GateSettings(), 'plain') is None
    assert load_perceptual(GateSettings(mode='off', lpips=0.1), 'plain') is None


def test_what_is_not_loaded_is_not_a_number():
    empty = Perceptual('plain')
    assert math.isnan(empty.lpips(picture(0, 0, 0), picture(1, 1, 1)))
    assert math.isnan(empty.clip(picture(0, 0, 0), edit(picture(1, 1, 1))))


@pytest.mark.parametrize(
    'error',
    [ImportError('No module named torchmetrics'), RuntimeError('operator torchvision::nms does not exist')],
)
def test_a_gate_that_cannot_be_measured_says_how_to_get_it(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(perceptual, 'import_module', fail)
    with pytest.raises(UsageError, match=rf'the gate lpips cannot be measured: {error}; get it: pip install'):
        load_perceptual(GateSettings(lpips=0.1), 'plain')


def test_clip_weights_that_are_not_here_say_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(perceptual, 'CLIP', str(tmp_path / 'absent'))
    with pytest.raises(UsageError, match=r'the gate clip cannot be measured: .*hf download'):
        load_perceptual(GateSettings(clip=0.0), 'plain', offline=True)


def test_lpips_offline_needs_its_weights(monkeypatch, tmp_path):
    image = ModuleType('torchmetrics.image')
    image.LearnedPerceptualImagePatchSimilarity = lambda net_type: torch.nn.Identity()
    monkeypatch.setitem(sys.modules, 'torchmetrics', ModuleType('torchmetrics'))
    monkeypatch.setitem(sys.modules, 'torchmetrics.image', image)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(UsageError, match=r'no alexnet-\*.pth in'):
        load_perceptual(GateSettings(lpips=0.1), 'plain', offline=True)
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/alexnet-owt.pth').touch()
    assert isinstance(load_perceptual(GateSettings(lpips=0.1), 'plain', offline=True), Perceptual)

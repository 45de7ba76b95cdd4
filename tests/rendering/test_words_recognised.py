"""The words can be told apart: a small network learns them from windows of a few blades, for windows of others."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg_ext.rendering import WORDS, add_word, windows

CLASSES = (None, *WORDS)
SIZE = 64
EPOCHS, BATCH = 20, 32


@pytest.fixture(scope='module')
def plain() -> list[list[windows.WordWindow]]:
    """Windows without words, a list for every blade."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, 'draw_word', lambda rng: None)
        return [windows.draw_windows((21, blade), SIZE) for blade in range(16)]


def variants(found: list[list[windows.WordWindow]], seed: int) -> tuple[Tensor, Tensor]:
    """Every window as it is and with each word: pictures (N, 3, SIZE, SIZE) about -1..1, classes (N,)."""
    shown = [window for blade in found for window in blade]
    pictures = [
        add_word(window.image, window.label, word, np.random.default_rng([seed, k, n]))[0]
        if word
        else window.image
        for k, window in enumerate(shown)
        for n, word in enumerate(CLASSES)
    ]
    classes = torch.arange(len(CLASSES)).repeat(len(shown))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1, classes


def network() -> nn.Module:
    widths = (3, 16, 32, 48)
    stages = [nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
              for a, b in pairwise(widths)]  # fmt: skip
    return nn.Sequential(*stages, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(widths[-1], len(CLASSES)))


def train(net: nn.Module, pictures: Tensor, classes: Tensor) -> None:
    steps = EPOCHS * (len(pictures) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for step in range(steps):
        some = torch.randint(len(pictures), (BATCH,))
        batch = pictures[some].flip(((2, 3), (2,), (3,), ())[step % 4])
        optimizer.zero_grad()
        F.cross_entropy(net(batch), classes[some]).backward()
        optimizer.step()
        schedule.step()


def test_a_small_network_recognises_the_words_on_blades_it_has_not_seen(plain):
    torch.manual_seed(0)
    net = network()
    train(net, *variants(plain[:12], seed=0))
    pictures, classes = variants(plain[12:], seed=2)
    with torch.inference_mode():
        right = net.eval()(pictures).argmax(1) == classes
    assert len(classes) > 100
    assert right.float().mean() > 0.75  # by chance: a seventh

"""Which word does a window show? A small network that judges what the pocket model draws.

It is trained on the same rendered windows as the model, but sees pixels alone and no caption: a second opinion.
What it says is worth as much as its accuracy on windows of split test, which is stated beside every figure that
rests on it.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from augment.config.settings import WORDS
from augment.errors import DataError, UsageError
from augment.files import replacing
from augment.pocket.data import CAPTIONS, read_captions, read_windows
from augment.pocket.loop import Stage, train
from augment.pocket.settings import StageSettings

CLASSES = ('none', *WORDS)
FILE = 'word_classifier.safetensors'  # where it is kept, within the folder of the windows
WIDTHS = 24, 48, 72, 96  # channels after each halving of the sides
STEPS, BATCH, RATE, EMA = 900, 32, 3e-3, 0.99
AT_ONCE = 64  # windows that are judged together


class WordClassifier(nn.Module):
    """Four halvings by convolutions, then mean and maximum over all places: a texture may lie anywhere."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.GroupNorm(8, after), nn.SiLU(inplace=True)]
        self.features = nn.Sequential(*layers, nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 3, padding=1), nn.SiLU())
        self.head = nn.Linear(2 * WIDTHS[-1], len(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 7), in the order of ``CLASSES``, of images (N, 3, S, S) in 0..1."""
        found = self.features(images * 4 - 2)
        return self.head(torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1))


class WordLoss:
    """Cross entropy of a random, altered batch.

    Args:
        classifier: What is trained.
        images: (N, S, S, 3) uint8.
        classes: (N,) indices into ``CLASSES``.
    """

    def __init__(self, classifier: WordClassifier, images: np.ndarray, classes: Sequence[int]) -> None:
        self.classifier = classifier
        self.images, self.classes = torch.from_numpy(images), torch.tensor(classes)

    def __call__(self, generator: torch.Generator) -> Tensor:
        which = torch.randint(len(self.images), (BATCH,), generator=generator)
        images = altered(self.images[which].permute(0, 3, 1, 2).float() / 255, generator)
        return F.cross_entropy(self.classifier(images), self.classes[which], label_smoothing=0.05)


def altered(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images (N, 3, S, S) in 0..1 turned, flipped, relit, and, each by its own share, softened and made noisy.

    The softness is that of an autoencoder, which loses what is finer than a few pixels.
    """
    flips = torch.randint(2, (3,), generator=generator).tolist()
    images = images.transpose(2, 3) if flips[0] else images
    images = images.flip([dim for dim, flip in zip((2, 3), flips[1:], strict=True) if flip])
    low, high, soft, grain = torch.rand(4, len(images), 1, 1, 1, generator=generator)
    tint = 1 + 0.05 * torch.randn(len(images), 3, 1, 1, generator=generator)
    images = images.pow(0.8 + 0.5 * low) * (0.8 + 0.4 * high) * tint
    small = F.interpolate(images, scale_factor=0.5, mode='area')
    blurred = F.interpolate(small, size=images.shape[2:], mode='bilinear', align_corners=False)
    noise = torch.randn(images.shape, generator=generator)
    return (images.lerp(blurred, soft) + 0.04 * grain * noise).clamp(0, 1)


def classes_of(lines: Sequence[dict[str, Any]], split: str) -> list[int]:
    """The class of each window of a split, from the field ``word`` of its line; null: ``none``.

    Raises DataError for a line without the field, or with another word.
    """
    chosen = [line for line in lines if line['split'] == split]
    for line in chosen:
        if 'word' not in line or line['word'] not in (None, *WORDS):
            raise DataError(f'{line["file"]}: word {line.get("word")!r} in {CAPTIONS}, not null or of {WORDS}')
    return [CLASSES.index(line['word'] or 'none') for line in chosen]


def train_word_classifier(
    root: Path, folder: Path, seed: int = 0, steps: int = STEPS, console: Console | None = None
) -> WordClassifier:
    """A classifier of the words in the windows of split train below ``root``; about two minutes of one core.

    ``folder`` holds what an interrupted training goes on from; ``console`` shows the progress (stderr).
    """
    lines = read_captions(root)
    images, classes = read_windows(root, lines, 'train').images, classes_of(lines, 'train')
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = WordClassifier()
    loss, settings = WordLoss(classifier, images, classes), StageSettings(steps, BATCH, RATE, warmup=50)
    console = console or Console(stderr=True)
    state = train(Stage('word_classifier', classifier, loss, settings, folder, seed, EMA, console=console))
    return state.average.module.eval().requires_grad_(False)


def word_classifier(root: Path, path: Path) -> WordClassifier:
    """The classifier kept in ``path`` (safetensors), trained on the windows below ``root`` if it is not there.

    Raises UsageError for a file that holds something else.
    """
    if not path.is_file():
        folder = path.with_name(f'{path.stem}_training')
        path.parent.mkdir(parents=True, exist_ok=True)
        trained = train_word_classifier(root, folder)
        with replacing(path) as partial:
            save_file(trained.state_dict(), partial)
            partial.chmod(0o644)  # it is written for its owner alone
        shutil.rmtree(folder)
        return trained
    classifier = WordClassifier().eval().requires_grad_(False)
    try:
        classifier.load_state_dict(load_file(path))
    except Exception as error:  # safetensors raises an error of its own for a damaged file, torch a RuntimeError
        raise UsageError(f'{path}: no word classifier that can be read; remove it to train one anew') from error
    return classifier


@torch.no_grad()
def word_probabilities(classifier: WordClassifier, images: np.ndarray) -> np.ndarray:
    """Probability of each of ``CLASSES``, (N, 7), for images (N, S, S, 3) uint8."""
    found = []
    for start in range(0, len(images), AT_ONCE):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + AT_ONCE])).permute(0, 3, 1, 2)
        found.append(classifier(pixels.float() / 255).softmax(1))
    return torch.cat(found).numpy() if found else np.empty((0, len(CLASSES)), np.float32)

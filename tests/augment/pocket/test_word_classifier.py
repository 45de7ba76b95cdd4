"""The second opinion on words: it learns textures, is kept and found again, and knows no order of its batch."""

import numpy as np
import pytest
import torch
from captioned_windows import WORDS, draw_window, make_windows
from rich.console import Console

from augment.errors import DataError, UsageError
from augment.pocket import word_classifier as module
from augment.pocket.data import read_captions
from augment.pocket.word_classifier import (
    CLASSES,
    WordClassifier,
    altered,
    classes_of,
    train_word_classifier,
    word_classifier,
    word_probabilities,
)


@pytest.fixture(scope='module')
def learnt(tmp_path_factory):
    """Sixty steps on 84 windows of 64 pixels."""
    root = make_windows(tmp_path_factory.mktemp('windows'), 84, size=64)
    return train_word_classifier(root, root / 'work', steps=60, console=Console(quiet=True))


def test_the_words_of_new_windows_are_recognised(learnt):
    rng = np.random.default_rng(5)
    windows = np.stack([draw_window(word, rng, 64)[0] for word in (None, *WORDS) * 4])
    found = word_probabilities(learnt, windows).argmax(1)
    assert (found == np.tile(np.arange(7), 4)).mean() > 0.8  # chance: 0.14


def test_probabilities_are_the_softmax_of_the_logits_whatever_is_judged_together(learnt, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    whole = word_probabilities(learnt, images)
    assert whole.shape == (5, len(CLASSES))
    assert np.allclose(whole.sum(1), 1, atol=1e-5)
    logits = learnt(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    assert np.allclose(whole, logits.softmax(1).numpy(), atol=1e-6)
    monkeypatch.setattr(module, 'AT_ONCE', 2)
    assert np.allclose(word_probabilities(learnt, images), whole, atol=1e-5)
    assert word_probabilities(learnt, images[:0]).shape == (0, 7)


def test_it_is_trained_once_and_read_from_its_file_then(tmp_path, words_folder, monkeypatch):
    monkeypatch.setattr(train_word_classifier, '__defaults__', (0, 2, Console(quiet=True)))
    path = tmp_path / 'deep' / 'words.safetensors'
    trained = word_classifier(words_folder, path)
    assert [file.name for file in path.parent.iterdir()] == ['words.safetensors']
    read = word_classifier(tmp_path / 'nowhere', path)
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), read.parameters(), strict=True))


def test_a_file_of_something_else_is_refused(tmp_path, words_folder):
    path = tmp_path / 'words.safetensors'
    path.write_bytes(b'nothing')
    with pytest.raises(UsageError, match=r'words\.safetensors: no word classifier .* remove it'):
        word_classifier(words_folder, path)


def test_classes_follow_the_lines_of_the_split(words_folder):
    lines = read_captions(words_folder)
    assert classes_of(lines, 'train') == [k % 7 for k in range(14)]
    assert classes_of(lines, 'val') == [0, 1]


@pytest.mark.parametrize('word', ['moss', 7])
def test_an_unknown_word_is_refused_with_its_file(words_folder, word):
    lines = [dict(read_captions(words_folder)[0], word=word)]
    with pytest.raises(DataError, match=r'images/00000\.png: word .* not null'):
        classes_of(lines, 'train')


def test_alterations_stay_in_range_and_differ_from_window_to_window():
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).expand(4, -1, -1, -1)
    result = altered(images, torch.Generator().manual_seed(1))
    assert result.shape == images.shape
    assert torch.equal(result, result.clamp(0, 1))
    assert (result[0] - result[1]).abs().mean() > 0.01
    assert torch.equal(result, altered(images, torch.Generator().manual_seed(1)))


def test_the_network_takes_any_size():
    assert WordClassifier()(torch.rand(2, 3, 48, 80)).shape == (2, 7)

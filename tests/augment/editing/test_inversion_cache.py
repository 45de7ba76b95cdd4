"""Inversions on disk: what comes back, what makes another key, what happens to damaged files."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment.config.settings import EditSettings, InversionSettings, RLISettings
from augment.editing.cache import InversionCache
from augment.editing.editor import Editor

IMAGES = [np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8) for seed in range(2)]
MODEL = {'name': 'tiny-random', 'weights': 'abc'}
BASE = EditSettings(steps=3, inversion=InversionSettings(inner_steps=2))


class CountingEditor(Editor):
    """Notes how many images each call inverts."""

    calls = ()

    def invert(self, images, prompts=None, progress=None):
        self.calls = (*self.calls, len(images))
        return super().invert(images, prompts, progress)


@pytest.fixture
def cache(tmp_path):
    return InversionCache(tmp_path / 'inversions', MODEL)


@pytest.fixture
def editor(pipe):
    return CountingEditor(pipe, BASE)


def key(settings=BASE, image=IMAGES[0], prompt='photo of a crack', dtype=torch.float32, model=MODEL):
    return InversionCache('unused', model).key(image, prompt, settings, dtype)


def test_everything_comes_back_bit_by_bit(cache, editor):
    made, read = cache.invert(editor, IMAGES[:1])[0], cache.invert(editor, IMAGES[:1])[0]
    assert editor.calls == (1,)
    for name in ('pivots', 'reconstruction'):
        assert torch.equal(getattr(made, name), getattr(read, name))
    for name in ('cond', 'null'):
        assert torch.equal(getattr(made, name).seq, getattr(read, name).seq)
        assert torch.equal(getattr(made, name).pooled, getattr(read, name).pooled)
    assert (made.losses, made.method, made.stalled) == (read.losses, read.method, read.stalled)
    assert len(read.losses) == 3


def test_without_a_reconstruction(cache, pipe):
    npi = CountingEditor(pipe, replace(BASE, inversion=InversionSettings('npi')))
    assert [cache.invert(npi, IMAGES[:1])[0].reconstruction for _ in range(2)] == [None, None]
    assert npi.calls == (1,)


def test_only_what_is_missing_is_computed_and_the_order_kept(cache, editor):
    first = cache.invert(editor, IMAGES[1:])[0]
    both = cache.invert(editor, [IMAGES[0], IMAGES[1], IMAGES[0]])
    assert editor.calls == (1, 1)
    assert torch.equal(both[1].pivots, first.pivots)
    assert torch.equal(both[0].pivots, both[2].pivots)


@pytest.mark.parametrize(
    'other',
    [
        {'settings': replace(BASE, steps=4)},
        {'settings': replace(BASE, guidance=7.5)},
        {'settings': replace(BASE, rli=RLISettings(0.2))},
        {'settings': replace(BASE, rli=RLISettings(0.1, ('up.self', 'mid.self')))},
        {'settings': replace(BASE, inversion=InversionSettings('npi'))},
        {'settings': replace(BASE, inversion=InversionSettings(inner_steps=2, fixed_point=1))},
        {'settings': replace(BASE, inversion=InversionSettings(inner_steps=2, null_init='empty'))},
        {'image': IMAGES[1]},
        {'image': IMAGES[0].reshape(32, 128, 3)},
        {'prompt': 'photo of a dent'},
        {'dtype': torch.bfloat16},
        {'model': {**MODEL, 'weights': 'abd'}},
    ],
    ids=str,
)
def test_what_changes_an_inversion_changes_the_key(other):
    assert key(**other) != key()


def test_code_version_changes_the_key(monkeypatch):
    before = key()
    monkeypatch.setattr('augment.editing.cache.CODE', -1)
    assert key() != before


@pytest.mark.parametrize(
    ('one', 'two'),
    [
        (BASE, replace(BASE, seed=1, target_template='{word}')),
        (BASE, replace(BASE, inversion=InversionSettings(inner_steps=2, pin_source=False, prox='l1'))),
        (replace(BASE, rli=RLISettings(0.0)), replace(BASE, rli=RLISettings(0.0, ('mid.self',)))),
        *[
            (
                replace(BASE, guidance=7.5, inversion=InversionSettings(method)),
                replace(
                    BASE, guidance=15.0, inversion=InversionSettings(method, inner_steps=3, prox_quantile=0.1)
                ),
            )
            for method in ('npi', 'prox-npi', 'direct', 'ddim')
        ],
    ],
)
def test_what_only_an_edit_reads_does_not(one, two):
    assert key(one) == key(two)


def flipped(content):
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


@pytest.mark.parametrize(
    'damage',
    [lambda content: content[: len(content) // 2], flipped, lambda content: b'', lambda content: b'x' * 99],
)
def test_damaged_file_is_dropped_and_made_again(cache, editor, damage):
    made = cache.invert(editor, IMAGES[:1])[0]
    file = next(cache.folder.iterdir())
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(file.stem) is None
    assert not file.exists()
    again = cache.invert(editor, IMAGES[:1])[0]
    assert editor.calls == (1, 1)
    assert torch.equal(made.pivots, again.pivots)


def test_nothing_is_left_by_a_write_that_fails(cache, editor, monkeypatch):
    def full(path, content):
        raise OSError(28, 'No space left on device')

    inversion = editor.invert(IMAGES[:1])[0]
    monkeypatch.setattr('pathlib.Path.write_bytes', full)
    with pytest.raises(OSError, match='No space'):
        cache.put('key', inversion)
    assert list(cache.folder.iterdir()) == []


def test_files_are_safetensors_and_nothing_else(cache, editor):
    cache.invert(editor, IMAGES)
    assert [file.suffix for file in cache.folder.iterdir()] == ['.safetensors'] * 2

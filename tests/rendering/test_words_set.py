"""Windows with words on disk: the contract of the folder, whole or not at all, and the command that draws it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered_sets import TOOL, contents, run_tool

from mmseg_ext.errors import UsageError
from mmseg_ext.rendering import RenderSettings, WordSettings, render_set, render_words, word_set
from mmseg_ext.rendering.captions import NOUNS, caption
from mmseg_ext.rendering.settings import WORDS_VERSION
from mmseg_ext.rendering.windows import WordWindow
from mmseg_ext.rendering.word_set import split_of

SMALL = WordSettings(seed=2, count=40, size=64)


@pytest.fixture(scope='module')
def small(tmp_path_factory) -> tuple[Path, dict]:
    root = tmp_path_factory.mktemp('words') / 'set'
    return root, render_words(root, SMALL)[0]


@pytest.fixture
def quick(monkeypatch):
    """Flat windows in place of drawn ones, three a blade: for tests of the folder, not of the pictures."""
    flat = np.zeros((64, 64), np.uint8)
    window = WordWindow(np.zeros((64, 64, 3), np.uint8), flat, flat > 0, 'blade', None)
    monkeypatch.setattr(word_set, 'draw_windows', lambda key, size: [window] * 3)


def lines_of(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / 'captions.jsonl').read_text(encoding='utf-8').splitlines()]


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_layout(small):
    names = {f'{folder}/{k:05d}.png' for folder in ('images', 'labels', 'regions', 'words') for k in range(40)}
    lists = {f'{split}.txt' for split in ('train', 'val', 'test')}
    assert set(contents(small[0])) == names | lists | {'captions.jsonl', 'meta.json'}


def test_images_and_words_are_a_data_set_too(small):
    root, meta = small
    split = {
        stem: name for name in ('train', 'val', 'test') for stem in (root / f'{name}.txt').read_text().split()
    }
    for line in lines_of(root):
        stem = Path(line['file']).stem
        assert split[stem] == line['split']
        number = meta['words'].index(line['word']) + 1 if line['word'] else 0
        np.testing.assert_array_equal(read(root / f'words/{stem}.png'), (read(root / line['region']) > 0) * number)


def test_every_line_says_what_its_files_hold(small):
    lines = lines_of(small[0])
    assert [line['file'] for line in lines] == [f'images/{k:05d}.png' for k in range(40)]
    for line in lines:
        assert set(line) == {'file', 'region', 'label', 'caption', 'noun', 'word', 'split'}
        image, label, region = (read(small[0] / line[name]) for name in ('file', 'label', 'region'))
        assert (image.shape, label.shape, region.shape) == ((64, 64, 3), (64, 64), (64, 64))
        assert set(np.unique(label)) <= {0, 1, 2}
        assert set(np.unique(region)) <= {0, 255}
        assert region.any() == (line['word'] is not None)
        assert line['caption'] == caption(line['noun'], line['word'])
        assert line['noun'] in NOUNS
        assert label.any() == (line['noun'] != 'blade')


def test_red_is_stored_as_red(small):
    rust = [line for line in lines_of(small[0]) if line['word'] == 'rust']
    for line in rust:
        blue, _, red = (channel.astype(int) for channel in cv2.split(read(small[0] / line['file'])))
        assert (red - blue)[read(small[0] / line['region']) > 0].mean() > 15
    assert rust


def test_splits_share_no_blade():
    assert [split_of(k) for k in range(4)] == ['train', 'val', 'test', 'train']
    assert [split_of(k) for k in range(20)].count('train') == 16


def test_all_splits_are_there(small):
    lines = lines_of(small[0])
    assert {line['split'] for line in lines} == {'train', 'val', 'test'}
    assert [line['split'] for line in lines[:2]] == ['train', 'train']


def test_meta_counts_the_lines(small):
    root, meta = small
    lines = lines_of(root)
    assert meta == json.loads((root / 'meta.json').read_text())
    assert meta['renderer'] == {'version': WORDS_VERSION, 'seed': 2, 'count': 40, 'size': 64}
    for name in ('split', 'noun', 'word'):
        assert sum(meta['stats'][name].values()) == 40
    assert meta['stats']['word']['none'] == sum(line['word'] is None for line in lines)


def test_the_number_of_workers_does_not_change_a_byte(small, tmp_path):
    render_words(tmp_path / 'again', SMALL, workers=2)
    assert contents(tmp_path / 'again') == contents(small[0])


def test_more_windows_begin_with_the_same_ones_and_another_seed_gives_others(small, tmp_path):
    render_words(tmp_path / 'few', WordSettings(seed=2, count=5, size=64))
    render_words(tmp_path / 'other', WordSettings(seed=3, count=5, size=64))
    few, other = contents(tmp_path / 'few'), contents(tmp_path / 'other')
    assert all(few[name] == contents(small[0])[name] for name in few if name.endswith('.png'))
    assert few['images/00000.png'] != other['images/00000.png']


def test_a_complete_set_is_not_drawn_again_and_an_incomplete_one_is(small, quick, tmp_path, monkeypatch):
    out = tmp_path / 'set'
    render_words(out, SMALL)
    before = contents(out)
    assert render_words(out, SMALL)[1] is True
    (out / 'regions/00003.png').unlink()
    assert render_words(out, SMALL)[1] is False
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_one_kind_of_set_does_not_replace_the_other(quick, tmp_path):
    render_words(tmp_path / 'words', SMALL)
    with pytest.raises(UsageError, match=r'not of a rendered set, such as captions\.jsonl'):
        render_set(tmp_path / 'words', RenderSettings())
    render_set(tmp_path / 'blades', RenderSettings(train=1, val=0, test=0))
    with pytest.raises(UsageError, match='not of a rendered set, such as ann_dir'):
        render_words(tmp_path / 'blades', SMALL)


def test_a_failure_leaves_the_old_set_and_nothing_else(quick, tmp_path, monkeypatch):
    render_words(tmp_path / 'set', SMALL)
    before = contents(tmp_path)

    def fail(path: Path, image: np.ndarray) -> None:
        raise OSError('disk full')

    monkeypatch.setattr(word_set, 'write_png', fail)
    with pytest.raises(OSError, match='disk full'):
        render_words(tmp_path / 'set', WordSettings(seed=9, count=4, size=64))
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_progress_counts_to_the_end(quick, tmp_path):
    told = []
    render_words(tmp_path / 'set', WordSettings(count=7, size=64), progress=lambda *counts: told.append(counts))
    assert told == [(k, 7) for k in range(1, 8)]


@pytest.mark.parametrize(('given', 'message'), [
    ({'seed': -1}, 'seed must be 0 or more'), ({'count': 0}, 'count 1 or more'),
    ({'size': 31}, 'size must be 32 to 256 pixels, got 31'), ({'size': 257}, 'got 257'),
])  # fmt: skip
def test_settings_that_cannot_be(given, message):
    with pytest.raises(UsageError, match=message):
        WordSettings(**given)


def test_the_tool_prints_counts_and_places(small):
    done = run_tool('--words', '--count', 40, '--size', 64, '--seed', 2, '--out', small[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('already there\nsplit ')
    assert f'captions {small[0]}/captions.jsonl' in done.stdout


@pytest.mark.parametrize(('args', 'message'), [
    (('--words', '--train', '4'), 'error: --train does not go with --words'),
    (('--count', '4'), 'error: --count does not go without --words'),
    (('--words', '--size', '7'), 'error: size must be 32 to 256 pixels, got 7'),
    (('--words', '--out', TOOL.parent), 'holds files that are not of a rendered set'),
])  # fmt: skip
def test_the_tool_answers_mistakes_in_one_line(args, message):
    done = run_tool(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count('\n') == 1

"""The set on disk: the same bytes for the same settings, whole or not at all, and nobody's files lost."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered_sets import TOOL, contents, run_tool

from mmseg_ext.errors import UsageError
from mmseg_ext.rendering import RenderSettings, render_set, write
from mmseg_ext.rendering.budget import plan_split
from mmseg_ext.rendering.settings import VERSION

SMALL = RenderSettings(seed=4, train=3, val=2, test=1)


@pytest.fixture(scope='module')
def small(tmp_path_factory) -> tuple[Path, dict]:
    root = tmp_path_factory.mktemp('drawn') / 'small'
    return root, render_set(root, SMALL)[0]


@pytest.fixture
def quick(monkeypatch):
    """Flat pictures in place of drawn ones: for tests of the folder, not of the pictures."""
    flat = np.zeros((512, 512, 3), np.uint8), np.zeros((512, 512), np.uint8)
    monkeypatch.setattr(write, 'render', lambda *_: flat)


def test_layout(small):
    names = [
        f'{split}/{split}_{k:04d}.png' for split in ('train', 'val', 'test') for k in range(getattr(SMALL, split))
    ]
    expected = {f'{folder}/{name}' for folder in ('img_dir', 'ann_dir') for name in names} | {'meta.json'}
    assert set(contents(small[0])) == expected


def test_files_are_colour_images_and_index_masks(small):
    for path in (small[0] / 'img_dir').rglob('*.png'):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(path).replace('img_dir', 'ann_dir'), cv2.IMREAD_UNCHANGED)
        assert (image.shape, mask.shape) == ((512, 512, 3), (512, 512))
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 1, 2}


def test_red_is_stored_as_red(small):
    plan = plan_split(SMALL.seed, 0, SMALL.train)
    name = f'train/train_{plan[:, 0].argmax():04d}.png'
    blue, _, red = cv2.split(cv2.imread(str(small[0] / 'img_dir' / name)))
    gold = cv2.imread(str(small[0] / 'ann_dir' / name), cv2.IMREAD_UNCHANGED) == 1
    assert red[gold].mean() > 1.3 * blue[gold].mean()


def test_meta_tells_what_the_masks_hold(small):
    root, meta = small
    assert meta == json.loads((root / 'meta.json').read_text())
    assert meta['classes'] == ['background', 'attached', 'broken']
    assert meta['palette'] == [[0, 0, 0], [255, 0, 0], [0, 255, 0]]
    assert meta['renderer'] == {'version': VERSION, 'seed': 4, 'train': 3, 'val': 2, 'test': 1}
    masks = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((root / 'ann_dir/train').iterdir())]
    for label, name in enumerate(meta['classes']):
        held = [int((mask == label).sum()) for mask in masks]
        assert meta['stats']['train']['pct'][name] == pytest.approx(100 * sum(held) / (3 * 512**2), abs=1e-4)
        assert meta['stats']['train']['images_with'][name] == sum(count > 0 for count in held)
    assert meta['stats']['all']['images'] == 6


def test_shares_are_within_a_fifth_of_the_target(small):
    for split in ('train', 'val', 'test', 'all'):
        shares = small[1]['stats'][split]['pct']
        assert shares['attached'] == pytest.approx(0.20, rel=0.2)
        assert shares['broken'] == pytest.approx(0.03, rel=0.2)


def test_neither_the_number_of_workers_nor_the_name_of_the_folder_changes_a_byte(small, tmp_path):
    render_set(tmp_path / 'again', SMALL, workers=2)
    assert contents(tmp_path / 'again') == contents(small[0])


def test_another_seed_and_another_split_give_other_pictures(small, tmp_path):
    render_set(tmp_path / 'other', RenderSettings(seed=5, train=1, val=0, test=0))
    images = [*(small[0] / 'img_dir').rglob('*.png'), *(tmp_path / 'other/img_dir').rglob('*.png')]
    assert len({path.read_bytes() for path in images}) == 7


def test_a_complete_set_is_not_drawn_again(small, monkeypatch):
    monkeypatch.setattr(write, 'draw_all', lambda *_: pytest.fail('drawn again'))
    assert render_set(small[0], SMALL) == (small[1], True)


def test_a_set_that_lacks_a_file_or_has_other_settings_is_replaced(quick, tmp_path):
    out = tmp_path / 'set'
    render_set(out, SMALL)
    before = contents(out)
    (out / 'ann_dir/val/val_0001.png').unlink()
    assert render_set(out, SMALL)[1] is False
    assert contents(out) == before
    assert render_set(out, RenderSettings(seed=4, train=1, val=1, test=1))[1] is False
    assert len(contents(out)) == 7
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_a_set_of_another_renderer_version_is_replaced(quick, tmp_path, monkeypatch):
    render_set(tmp_path / 'set', SMALL)
    monkeypatch.setattr('mmseg_ext.rendering.settings.VERSION', -1)
    assert render_set(tmp_path / 'set', SMALL)[0]['renderer']['version'] == -1


@pytest.mark.parametrize('name', ['notes.txt', 'img_dir/train/mine.jpg', 'meta.json', '.hidden'])
def test_foreign_files_are_never_touched(tmp_path, name):
    mine = tmp_path / 'set' / name
    mine.parent.mkdir(parents=True)
    mine.write_text('{}')
    with pytest.raises(UsageError, match=f'not of a rendered set, such as {name}'):
        render_set(tmp_path / 'set', SMALL)
    assert contents(tmp_path) == {f'set/{name}': b'{}'}


def test_a_foreign_file_within_a_rendered_set_is_kept(quick, tmp_path):
    render_set(tmp_path / 'set', SMALL)
    (tmp_path / 'set/ann_dir/corrected.png').write_bytes(b'hours of work')
    with pytest.raises(UsageError, match='corrected'):
        render_set(tmp_path / 'set', RenderSettings(seed=9))


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / 'set').write_text('')
    with pytest.raises(UsageError, match='is a file'):
        render_set(tmp_path / 'set', SMALL)


def test_an_empty_folder_is_filled(quick, tmp_path):
    (tmp_path / 'set').mkdir()
    assert render_set(tmp_path / 'set', SMALL)[1] is False
    assert len(contents(tmp_path / 'set')) == 13


@pytest.mark.parametrize('error', [OSError('disk full'), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_set_and_nothing_else(quick, tmp_path, monkeypatch, error):
    def fail(path: Path, image: np.ndarray) -> None:
        if path.name == 'val_0000.png':
            raise error
        path.write_bytes(b'')

    render_set(tmp_path / 'set', SMALL)
    before = contents(tmp_path)
    monkeypatch.setattr(write, 'write_png', fail)
    for out in ('set', 'new'):
        with pytest.raises(type(error)):
            render_set(tmp_path / out, RenderSettings(seed=5))
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_the_old_set_comes_back_when_the_new_one_cannot_take_its_place(quick, tmp_path, monkeypatch):
    def rename(self: Path, target: Path) -> None:
        if 'partial' in self.name and not self.name.endswith('.old'):
            raise OSError('no')
        move(self, target)

    render_set(tmp_path / 'set', SMALL)
    before, move = contents(tmp_path), Path.rename
    monkeypatch.setattr(Path, 'rename', rename)
    with pytest.raises(OSError, match='no'):
        render_set(tmp_path / 'set', RenderSettings(seed=5, train=1, val=1, test=1))
    assert contents(tmp_path) == before


def test_progress_counts_to_the_end(quick, tmp_path):
    told = []
    render_set(tmp_path / 'set', SMALL, progress=lambda done, total: told.append((done, total)))
    assert told == [(k, 6) for k in range(1, 7)]


def test_the_tool_prints_shares_and_places(small):
    args = ('--out', small[0], '--seed', 4, '--train', 3, '--val', 2, '--test', 1)
    done = run_tool(*args)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('already there')
    assert f'masks {small[0]}/ann_dir' in done.stdout
    assert '99.770' in done.stdout


@pytest.mark.parametrize(('args', 'message'), [
    (('--seed', 'x'), 'argument --seed: invalid int value'),
    (('--train', '-1'), "must be 0 or more, got {'train': -1}"),
    (('--train', '0', '--val', '0', '--test', '0'), 'nothing to draw'),
    (('--out', TOOL.parent), 'holds files that are not of a rendered set'),
])  # fmt: skip
def test_the_tool_answers_mistakes_in_one_line(args, message):
    done = run_tool(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count('\n') == 1
    assert done.stdout == ''

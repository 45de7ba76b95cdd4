"""Writing a set: same bytes for the same seed, originals untouched, nothing half-written, one's own pairs."""

import csv
import hashlib
import json
from pathlib import Path

import downloads
import numpy as np
import pytest
from PIL import Image

from mmseg_ext.datasets.check import check_split
from mmseg_ext.datasets.checkup import check_set
from mmseg_ext.datasets.prepare import pipeline
from mmseg_ext.errors import DataError, UsageError

CLASSES = ('background', 'scratch')


def contents(root: Path) -> dict[str, bytes]:
    """Relative path → bytes of every file."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()
    }


def side_by_side(root: Path, count: int = 10, suffix: str = '.jpg') -> Path:
    """``part<k>_<n>.jpg`` beside ``part<k>_<n>_mask.png``, two pictures a part."""
    for index in range(count):
        stem = f'part{index // 2}_{index % 2}'
        downloads.save(root / f'{stem}{suffix}', downloads.noise(index))
        downloads.save(root / f'{stem}_mask.png', downloads.spot(index))
    return root


@pytest.fixture
def mine(tmp_path):
    return side_by_side(tmp_path / 'src')


def test_the_same_seed_gives_the_same_bytes(tmp_path, prepare):
    src = downloads.magnetic_tile(tmp_path / 'src', tiles=3, exposures=2)
    for folder, seed in (('a', 1), ('b', 1), ('c', 2)):
        prepare('magnetic_tile', src, f'{folder}/set', seed=seed)
    first, again, other = (contents(tmp_path / folder / 'set') for folder in 'abc')
    assert first == again
    assert first.keys() != other.keys()


def test_the_number_of_workers_does_not_matter(tmp_path, mine):
    options = dict(classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    for workers in (1, 3):
        place = tmp_path / str(workers) / 'set'
        pipeline.prepare_set('pairs', pipeline.Options(mine, place, workers=workers, **options))
    assert contents(tmp_path / '1') == contents(tmp_path / '3')


def test_images_are_copied_and_their_origin_is_known(tmp_path, prepare, mine):
    before = contents(mine)
    prepare('pairs', mine, classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=scratch'))
    out = tmp_path / 'out'
    with (out / 'index.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    for row in rows:
        written = (out / row['image']).read_bytes()
        assert written == (mine / row['source_image']).read_bytes()
        assert row['sha256'] == hashlib.sha256(written).hexdigest()
        assert int(row['bytes']) == len(written)
        label = np.asarray(Image.open(out / row['mask']))
        assert (label == np.asarray(Image.open(mine / row['source_mask'])) // 255).all()
    assert contents(mine) == before
    assert check_set(out).problems == []


def test_meta_says_how_to_write_the_set_again(tmp_path, prepare, mine):
    wanted = dict(classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'), seed=4, split=(50, 25, 25))
    prepare('pairs', mine, **wanted, group_by=r'part(\d+)')
    meta = json.loads((tmp_path / 'out/meta.json').read_text())
    assert meta['command'] == (
        'python tools/prepare_dataset.py pairs --src DOWNLOAD --seed 4 --split 50 25 25 --mask-suffix _mask.png '
        r"--group-by 'part(\d+)' --classes background scratch --values 0=0 255=1"
    )
    assert (meta['name'], meta['source'], meta['seed'], meta['ignore_index']) == ('out', 'pairs', 4, 255)
    assert sum(meta['groups'].values()) == 5
    assert str(tmp_path) not in json.dumps(meta)


def test_group_by_and_equal_files_stay_together(tmp_path, prepare, mine):
    (mine / 'copy.jpg').write_bytes((mine / 'part0_0.jpg').read_bytes())
    downloads.save(mine / 'copy_mask.png', downloads.spot(3))
    values = dict(classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    for seed in range(4):
        prepare('pairs', mine, str(seed), **values, seed=seed, group_by='^part[0-9]')
        with (tmp_path / str(seed) / 'index.csv').open(newline='') as file:
            rows = {row['name']: (row['group'], row['split']) for row in csv.DictReader(file)}
        assert len(set(rows.values())) == 5
        assert rows['copy'] == rows['part0_0'] == rows['part0_1']


def test_overlap_is_looked_for_on_request(tmp_path, prepare):
    wide = np.kron(downloads.noise(0, (60, 80), None), np.ones((3, 3), np.uint8))
    for index, picture in enumerate((wide[:, :160], wide[:, 60:], *map(downloads.noise, range(1, 5)))):
        downloads.save(tmp_path / 'src' / f'{index}.png', picture)
        downloads.save(tmp_path / 'src' / f'{index}_mask.png', np.zeros(picture.shape[:2], np.uint8))
    wanted = dict(classes=CLASSES, mask_suffix='_mask.png')
    alone = prepare('pairs', tmp_path / 'src', 'a', **wanted)
    together = prepare('pairs', tmp_path / 'src', 'b', **wanted, overlap=True)
    assert (sum(alone.groups.values()), sum(together.groups.values())) == (6, 5)


def test_other_formats_become_png_without_a_loss(tmp_path, prepare):
    picture = downloads.noise(0)
    for index in range(3):
        downloads.save(tmp_path / 'src/images' / f'{index}.ppm', downloads.noise(index))
        downloads.save(tmp_path / 'src/masks' / f'{index}.png', downloads.spot(index))
    folders = dict(images=tmp_path / 'src/images', masks=tmp_path / 'src/masks', image_suffix='.ppm')
    prepare('pairs', tmp_path / 'src', classes=CLASSES, values=('0=0', '255=1'), **folders)
    (written,) = (tmp_path / 'out/img_dir').rglob('0.*')
    assert written.suffix == '.png'
    assert (np.asarray(Image.open(written)) == picture).all()


def test_links_share_the_file(tmp_path, prepare, mine):
    prepare('pairs', mine, classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'), link=True)
    for path in (tmp_path / 'out/img_dir').rglob('*.jpg'):
        assert path.samefile(mine / path.name)


def test_stems_of_official_parts(tmp_path, prepare):
    for split, count in (('train', 3), ('val', 2), ('test', 1)):
        for index in range(count):
            downloads.save(
                tmp_path / f'src/images/{split}/{split}{index}.png',
                downloads.noise(downloads.hash_of(f'{split}{index}')),
            )
            downloads.save(tmp_path / f'src/masks/{split}/{split}{index}.png', downloads.spot(index, value=1))
    folders = dict(images=tmp_path / 'src/images', masks=tmp_path / 'src/masks')
    prepared = prepare('pairs', tmp_path / 'src', classes=CLASSES, **folders)
    assert {part: report.images for part, report in prepared.splits.items()} == {'train': 3, 'val': 2, 'test': 1}
    assert (tmp_path / 'out/img_dir/val/val1.png').is_file()
    with pytest.raises(UsageError, match='the source has an official split'):
        prepare('pairs', tmp_path / 'src', 'other', classes=CLASSES, **folders, split=(1, 1, 1))


def test_folders_inside_stay_and_are_accepted(tmp_path, prepare):
    for index in range(4):
        downloads.save(tmp_path / f'src/images/day{index % 2}/{index}.png', downloads.noise(index))
        downloads.save(tmp_path / f'src/masks/day{index % 2}/{index}.png', downloads.spot(index, value=1))
    folders = dict(images=tmp_path / 'src/images', masks=tmp_path / 'src/masks')
    prepare('pairs', tmp_path / 'src', classes=CLASSES, **folders, split=(1, 1, 0), group_by='^[^/]+')
    for part in ('train', 'val'):
        report = check_split(tmp_path / 'out/img_dir' / part, tmp_path / 'out/ann_dir' / part, CLASSES)
        assert (report.images, report.problems) == (2, [])


def test_values_without_a_class_are_counted_over_all_masks(tmp_path, prepare, mine):
    for index in range(2):
        mask = downloads.spot(index)
        mask[0, :3], mask[1, :2] = 128, 64
        downloads.save(mine / f'part{index}_0_mask.png', mask)
    with pytest.raises(DataError) as caught:
        prepare('pairs', mine, classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    text = str(caught.value)
    assert text.startswith(f'{mine}: values without a class in 2 masks: 128 (6 pixels), 64 (4 pixels); ')
    assert "add to --values: '128=CLASS' '64=CLASS'" in text
    assert not (tmp_path / 'out').exists()


def test_soft_masks_are_advised_a_threshold(prepare, mine, tmp_path):
    downloads.save(mine / 'part0_0_mask.png', downloads.noise(0, channels=None))
    wanted = dict(classes=CLASSES, mask_suffix='_mask.png')
    with pytest.raises(DataError, match='--threshold 128 makes two classes'):
        prepare('pairs', mine, **wanted, values=('0=0', '255=1'))
    prepare('pairs', mine, **wanted, threshold=200)
    (written,) = (tmp_path / 'out/ann_dir').rglob('part0_0.png')
    assert (np.asarray(Image.open(written)) == (downloads.noise(0, channels=None) >= 200)).all()


def test_pairs_that_cannot_be_used_are_left_out(prepare, mine):
    (mine / 'part0_0.jpg').write_bytes(b'')
    downloads.save(mine / 'part0_1_mask.png', downloads.spot(0, (20, 25)))
    (mine / 'part1_0_mask.png').unlink()
    (mine / 'part1_1_mask.png').write_bytes(b'no picture')
    prepared = prepare('pairs', mine, classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    assert sum(report.images for report in prepared.splits.values()) == 6
    reasons = {Path(problem.path).name: problem.what for problem in prepared.left_out}
    assert reasons.keys() == {'part0_0.jpg', 'part0_1_mask.png', 'part1_0.jpg', 'part1_1_mask.png'}
    assert reasons['part0_1_mask.png'] == 'mask of 20×25 pixels for an image of 20×24'
    assert 'empty file' in reasons['part0_0.jpg']


def test_nothing_usable_is_an_error(tmp_path, prepare):
    side_by_side(tmp_path / 'src', count=1)
    (tmp_path / 'src/part0_0.jpg').write_bytes(b'')
    with pytest.raises(DataError, match='an empty file'):
        prepare('pairs', tmp_path / 'src', classes=CLASSES, mask_suffix='_mask.png')


@pytest.mark.parametrize(('options', 'message'), [
    ({}, 'one folder for images and masks; tell masks by --mask-suffix'),
    ({'mask_suffix': '.png'}, 'some files are image and mask at once; give --image-suffix too'),
    ({'mask_suffix': '_gt.png'}, 'expected images and masks of the same stem'),
    ({'mask_suffix': '_mask.png', 'group_by': '('}, r'--group-by \(: no regular expression'),
    ({'mask_suffix': '_mask.png', 'threshold': 3, 'values': ('0=0',)}, '--threshold makes two classes'),
    ({'mask_suffix': '_mask.png', 'classes': ('one',)}, '--classes: give two names or more'),
])  # fmt: skip
def test_usage(options, message, prepare, tmp_path):
    side_by_side(tmp_path / 'src', suffix='.tif')
    with pytest.raises(UsageError, match=message):
        prepare('pairs', tmp_path / 'src', **{'classes': CLASSES, **options})
    assert not (tmp_path / 'out').exists()


def test_a_target_that_is_not_empty(tmp_path, prepare, mine):
    wanted = dict(classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    prepare('pairs', mine, **wanted)
    before = contents(tmp_path / 'out')
    with pytest.raises(UsageError, match='is not empty; give another --out, or --overwrite'):
        prepare('pairs', mine, **wanted, seed=1)
    assert contents(tmp_path / 'out') == before
    prepare('pairs', mine, **wanted, seed=1, overwrite=True)
    assert contents(tmp_path / 'out') != before
    (tmp_path / 'out/thesis.txt').write_text('years of work')
    with pytest.raises(UsageError, match=r'holds more than a data set, such as thesis\.txt'):
        prepare('pairs', mine, **wanted, overwrite=True)
    assert (tmp_path / 'out/thesis.txt').is_file()


def test_the_download_is_never_the_target(tmp_path, prepare):
    src = downloads.deepcrack(tmp_path / 'out/src')
    with pytest.raises(UsageError, match='holds the download'):
        prepare('deepcrack', src, overwrite=True)


def test_a_failure_leaves_the_old_set_and_no_rest(tmp_path, prepare, mine, monkeypatch):
    wanted = dict(classes=CLASSES, mask_suffix='_mask.png', values=('0=0', '255=1'))
    prepare('pairs', mine, **wanted)
    before, beside = contents(tmp_path / 'out'), sorted(tmp_path.iterdir())

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(pipeline, 'write_index', full)
    with pytest.raises(UsageError, match=r'cannot write .*No space left'):
        prepare('pairs', mine, **wanted, seed=1, overwrite=True)
    assert contents(tmp_path / 'out') == before
    assert sorted(tmp_path.iterdir()) == beside


def test_progress_is_told_for_every_stage(tmp_path):
    told = {}
    src = downloads.crackforest(tmp_path / 'src', count=4)
    options = pipeline.Options(src, tmp_path / 'out')
    pipeline.prepare_set('crackforest', options, lambda stage, done, total: told.update({stage: (done, total)}))
    assert told == {'reading': (4, 4), 'finding features': (4, 4), 'comparing views': (6, 6), 'writing': (4, 4)}

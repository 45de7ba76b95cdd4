"""Each download end to end: every pixel of its masks, official splits, what is left out; the check accepts it."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import downloads
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_ext.datasets import MagneticTileDataset
from mmseg_ext.datasets.check import check_split
from mmseg_ext.datasets.prepare.sources import SOURCES, camvid, seggpt
from mmseg_ext.errors import UsageError

BASES = Path(__file__).parents[3] / 'configs/_base_/datasets'
CRACKS = ('background', 'crack')


def rows_of(root: Path) -> dict[str, dict]:
    """Name → row of index.csv."""
    with (root / 'index.csv').open(newline='', encoding='utf-8') as file:
        return {row['name']: row for row in csv.DictReader(file)}


def masks_of(root: Path) -> dict[str, np.ndarray]:
    """Name → mask, read as a foreign tool would."""
    return {name: np.asarray(Image.open(root / row['mask'])) for name, row in rows_of(root).items()}


def parts_of(root: Path) -> dict[str, set[str]]:
    """Split → names, by the files that are there."""
    return {folder.name: {path.stem for path in folder.iterdir()} for folder in (root / 'img_dir').iterdir()}


def assert_accepted(root: Path, classes: tuple[str, ...]) -> None:
    """What a data set checks before training, over all splits, and the counts of meta.json against it."""
    meta = json.loads((root / 'meta.json').read_text())
    assert tuple(meta['classes']) == tuple(classes)
    assert len(meta['palette']) == len(classes)
    assert set(meta['stats']) == set(parts_of(root))
    for split, stats in meta['stats'].items():
        report = check_split(root / 'img_dir' / split, root / 'ann_dir' / split, classes)
        assert report.problems == []
        assert report.images == stats['images'] > 0
        assert report.pixels.sum() + report.ignored == stats['pixels']
        assert report.images_with.tolist() == list(stats['images_with'].values())
        assert 100 * report.shares == pytest.approx([stats['pct'][str(k)] for k in range(len(classes))], abs=1e-4)


def test_magnetic_tile(tmp_path, prepare):
    src = downloads.magnetic_tile(tmp_path / 'src')
    prepared = prepare('magnetic_tile', src)
    out, found = tmp_path / 'out', masks_of(tmp_path / 'out')
    assert len(found) == 6 * 4 * 3
    assert (found['fray_exp2_num_13080'] == 4 * (downloads.soft_spot(13080) >= 128)).all()
    assert (found['blowhole_exp1_num_1040'] == (downloads.soft_spot(1040) >= 128)).all()
    assert np.unique(found['free_exp1_num_21040']).tolist() == [0]
    assert_accepted(out, MagneticTileDataset.METAINFO['classes'])
    (left_out,) = prepared.left_out
    assert left_out.path.endswith('MT_Uneven/Imgs/exp1_num_90000.png')
    assert 'an empty mask' in left_out.what
    for index in range(6):
        assert all(report.images_with[index] for report in prepared.splits.values())


def test_magnetic_tile_keeps_a_tile_in_one_split(tmp_path, prepare):
    prepare('magnetic_tile', downloads.magnetic_tile(tmp_path / 'src'))
    tiles = defaultdict(set)
    for name, row in rows_of(tmp_path / 'out').items():
        tiles[int(name.rsplit('_', 1)[1]) // 1000].add((row['split'], row['group']))
    assert len(tiles) == 24
    assert all(len(found) == 1 for found in tiles.values())


def test_crackforest(tmp_path, prepare):
    src = downloads.crackforest(tmp_path / 'src')
    prepared = prepare('crackforest', src)
    rows, found = rows_of(tmp_path / 'out'), masks_of(tmp_path / 'out')
    assert sorted(found) == [f'cfd_{number:03d}' for number in range(1, 9)]
    for number in range(1, 9):
        raw = downloads.segmentation(number)
        assert (found[f'cfd_{number:03d}'] == ((raw == 2) | (raw == 4))).all()
    assert found['cfd_001'][30, 30] == 0  # enclosed road
    assert found['cfd_001'][60, 20] == 1  # the thin crack
    assert [problem.what for problem in prepared.left_out] == ['image without mask']
    meta = json.loads((tmp_path / 'out/meta.json').read_text())
    assert meta['left_out'] == [{'file': 'image/009.jpg', 'reason': 'image without mask'}]
    assert rows['cfd_001']['group'] == rows['cfd_002']['group'] == 'cfd_001'
    assert len({row['group'] for row in rows.values()}) == 7
    assert_accepted(tmp_path / 'out', CRACKS)


def test_crack500(tmp_path, prepare):
    src = downloads.crack500(tmp_path / 'src')
    prepared = prepare('crack500', src)
    assert parts_of(tmp_path / 'out') == {
        'train': {'20160222_a_1_1', '20160222_a_641_1', '20160222_b_1_361'},
        'val': {'20160222_c_1_1'},
        'test': {'20160222_b_641_361', '20160222_d_1_1'},
    }
    assert (masks_of(tmp_path / 'out')['20160222_d_1_1'] == downloads.spot(1) // 255).all()
    assert [note.path for note in prepared.notes] == ['20160222_b_1_361']
    assert 'in train and test' in prepared.notes[0].what
    assert 'train.txt: traincrop/20160222_e_1_1.jpg' in prepared.left_out[0].path
    assert_accepted(tmp_path / 'out', CRACKS)


@pytest.mark.parametrize(('name', 'suffix', 'split'), [
    ('cracktree260', '.jpg', 'train'), ('crkwh100', '.png', 'test'), ('crackls315', '.jpg', 'test'),
])  # fmt: skip
def test_curves(name, suffix, split, tmp_path, prepare):
    prepared = prepare(name, downloads.curves(tmp_path / 'src', suffix))
    out = tmp_path / 'out'
    assert parts_of(out) == {split: {f'DSCN{number}' for number in range(6000, 6006)}}
    assert (masks_of(out)['DSCN6003'] == downloads.spot(3) // 255).all()
    assert {path.suffix for path in (out / 'img_dir' / split).iterdir()} == {suffix}
    assert {note.path for note in prepared.notes} == {'train', 'val', 'test'} - {split}
    assert_accepted(out, CRACKS)


def test_curves_are_divided_where_that_is_asked_for(tmp_path, prepare):
    prepare('cracktree260', downloads.curves(tmp_path / 'src'), split=(4, 2, 0))
    assert {part: len(names) for part, names in parts_of(tmp_path / 'out').items()} == {'train': 4, 'val': 2}


def test_curves_in_named_folders(tmp_path, prepare):
    src = downloads.curves(tmp_path / 'src')
    (src / 'GT').rename(src / 'mask')
    prepare('stone331', src, images=src / 'images', masks=src / 'mask')
    assert (masks_of(tmp_path / 'out')['DSCN6003'] == downloads.spot(3) // 255).all()


def test_halves_without_the_other_and_doubles_are_told(tmp_path, prepare):
    src = downloads.curves(tmp_path / 'src')
    (src / 'GT/dscn6001_GT.bmp').unlink()
    downloads.save(src / 'GT/7000.bmp', downloads.spot(0))
    downloads.save(src / 'more/dscn6000.png', downloads.noise(50))
    prepared = prepare('crackls315', src)
    assert [(Path(problem.path).name, problem.what) for problem in prepared.left_out] == [
        ('DSCN6001.JPG', 'image without mask'),
        ('7000.bmp', 'mask without image'),
        ('dscn6000.png', 'a second image of its name'),
    ]


def test_stone_is_scored_inside_its_surface(tmp_path, prepare):
    prepared = prepare('stone331', downloads.curves(tmp_path / 'src', surface=True))
    mask = masks_of(tmp_path / 'out')['DSCN6002']
    assert (mask[:, 12:] == 255).all()
    assert (mask[:, :12] == downloads.spot(2)[:, :12] // 255).all()
    assert not any('stone' in note.what for note in prepared.notes)
    assert_accepted(tmp_path / 'out', CRACKS)


def test_stone_without_surface_is_told(tmp_path, prepare):
    prepared = prepare('stone331', downloads.curves(tmp_path / 'src'))
    assert sum('stone surface' in note.what for note in prepared.notes) == 6


def test_masks_of_cracks_and_of_stone_are_not_mixed_up(tmp_path, prepare):
    src = downloads.curves(tmp_path / 'src')
    (src / 'GT').rename(src / 'mask')
    with pytest.raises(UsageError, match='say which by --masks DIR or --surface DIR'):
        prepare('stone331', src)


def test_deepcrack_carves_val_out_of_train(tmp_path, prepare):
    prepare('deepcrack', downloads.deepcrack(tmp_path / 'src'))
    parts = parts_of(tmp_path / 'out')
    assert {part: len(names) for part, names in parts.items()} == {'train': 8, 'val': 2, 'test': 4}
    assert parts['test'] == {f'test{index}' for index in range(4)}
    assert (masks_of(tmp_path / 'out')['train7'] == downloads.spot(7) // 255).all()
    assert_accepted(tmp_path / 'out', CRACKS)


def test_camvid(tmp_path, prepare):
    prepared = prepare('camvid', downloads.camvid(tmp_path / 'src'))
    source = np.arange(480).reshape(downloads.SIZE) % 12
    for mask in masks_of(tmp_path / 'out').values():
        assert (mask == np.where(source == 11, 255, source)).all()
    assert parts_of(tmp_path / 'out')['test'] == {'0001TP_8'}
    assert ['in train and test' in note.what for note in prepared.notes] == [True]
    assert_accepted(tmp_path / 'out', tuple(camvid.CLASSES))


def test_seggpt(tmp_path, prepare):
    prepared = prepare('seggpt', downloads.seggpt(tmp_path / 'src'))
    out, found = tmp_path / 'out', masks_of(tmp_path / 'out')
    assert prepared.classes == seggpt.CLASSES
    index = seggpt.CLASSES.index('mouse_bite')
    # Far from the edge of the spot JPEG cannot lie.
    assert found['mouse_bite_000037'][downloads.spot(1) > 0].tolist() == [index] * 30
    assert set(np.unique(found['mouse_bite_000037'])) == {0, index}
    parts = parts_of(out)
    assert parts['test'] == {f'{kind}_000222' for kind in downloads.KINDS}
    for part in ('train', 'val'):
        assert {seggpt.kind_of(stem) for stem in parts[part]} == set(downloads.KINDS)
    assert_accepted(out, seggpt.CLASSES)
    assert SOURCES['seggpt'].base_for(prepared.classes) == 'seggpt'


def test_seggpt_with_one_class_has_no_base(tmp_path, prepare):
    prepared = prepare('seggpt', downloads.seggpt(tmp_path / 'src', count=3), binary=True)
    assert prepared.classes == ('background', 'defect')
    assert {int(mask.max()) for mask in masks_of(tmp_path / 'out').values()} == {1}
    assert SOURCES['seggpt'].base_for(prepared.classes) is None


@pytest.mark.parametrize('name', [name for name in SOURCES if name != 'pairs'])
def test_a_wrong_folder_is_one_line(name, tmp_path, prepare):
    downloads.save(tmp_path / 'src/cats/cat.jpg', downloads.noise(0))
    with pytest.raises(UsageError, match=r'src: expected .*; found cats/') as caught:
        prepare(name, tmp_path / 'src')
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'out').exists()
    with pytest.raises(UsageError, match='no such folder; expected'):
        prepare(name, tmp_path / 'nowhere')


def test_a_part_of_the_download_names_what_is_missing(tmp_path, prepare):
    src = downloads.deepcrack(tmp_path / 'src')
    (src / 'DeepCrack/test_lab').rename(src / 'other')
    with pytest.raises(UsageError, match=r'found .*train_lab/ \(missing: test_lab\)'):
        prepare('deepcrack', src)


@pytest.mark.parametrize('name', ['camvid11', 'seggpt'])
def test_classes_are_those_of_the_base(name):
    classes = {'camvid11': tuple(camvid.CLASSES), 'seggpt': seggpt.CLASSES}[name]
    meta = Config.fromfile(BASES / f'{name}.py').train_dataloader.dataset.metainfo
    assert tuple(meta.classes) == classes
    assert name == 'seggpt' or meta.palette == list(camvid.CLASSES.values())


def test_every_base_is_there():
    assert {source.base for source in SOURCES.values() if source.base} <= {
        path.stem for path in BASES.glob('*.py')
    }

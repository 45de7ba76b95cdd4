"""A whole set: its splits from a folder or a config, pictures in two splits, weights, the printed report."""

import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from synthetic import make_dataset

from mmseg_ext.datasets.checkup import check_set, check_source
from mmseg_ext.datasets.leaks import find_leaks
from mmseg_ext.datasets.pairs import Pair
from mmseg_ext.datasets.report import focal_alpha, plot_shares, print_report
from mmseg_ext.datasets.sources import from_config
from mmseg_ext.errors import DataError, UsageError

CONFIG = """
num_classes = {count}
data = dict(type='CheckedSegDataset', data_root={root!r}, metainfo=dict(classes=('a', 'b', 'c')))
train = dict(data, data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'))
val = dict(data, data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'))
train_dataloader = dict(dataset=dict(type='RepeatDataset', times=2, dataset=train))
val_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[train, val]))
del data, train, val
"""


@pytest.fixture
def root(tmp_path):
    return make_dataset(tmp_path / 'tiny', ignore_rows=1)


def write_config(root, text=CONFIG, count=3):
    path = root.parent / 'recipe.py'
    path.write_text(text.format(root=str(root), count=count))
    return path


def printed(report) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_report(report, console)
    return console.file.getvalue()


def test_a_folder_with_meta(root):
    report = check_set(root)
    assert (report.name, report.classes) == ('tiny', ('background', 'blob1', 'blob2'))
    assert list(report.splits) == ['train', 'val', 'test']
    assert [split.images for split in report.splits.values()] == [4, 2, 2]
    assert report.problems == []


def test_a_folder_without_meta_takes_its_classes_from_the_masks(root):
    (root / 'meta.json').unlink()
    assert check_set(root).classes == ('class0', 'class1', 'class2')


def test_a_folder_of_0_255_masks_without_meta(root):
    (root / 'meta.json').unlink()
    for path in root.glob('ann_dir/*/*.png'):
        Image.fromarray(np.where(np.array(Image.open(path)) > 0, 255, 0).astype(np.uint8)).save(path)
    report = check_set(root)
    assert report.classes == ('class0', 'class1')
    assert {problem.what for problem in report.problems} == {'values 0 and 255 only, a 0/255 mask'}


def test_a_folder_of_grey_levels_without_meta_has_no_class_for_each(root):
    (root / 'meta.json').unlink()
    for path in root.glob('ann_dir/*/*.png'):
        Image.fromarray(np.where(np.array(Image.open(path)) == 2, 200, 0).astype(np.uint8)).save(path)
    report = check_set(root)
    assert report.classes == ('class0', 'class1')
    assert report.problems[0].what == 'value 200, but the 2 classes are 0..1'


@pytest.mark.parametrize('text', ['{', '[]', '{"names": []}', '{"classes": 3}'])
def test_an_unusable_meta_file(root, text):
    (root / 'meta.json').write_text(text)
    with pytest.raises(DataError, match=r'meta\.json: no class list in it .*; write \{"classes": \["background"'):
        check_set(root)


def test_a_folder_in_another_layout(tmp_path):
    (tmp_path / 'images').mkdir()
    (problem,) = check_set(tmp_path).problems
    assert str(problem).startswith(f'{tmp_path}: no split in it; arrange the files as img_dir/{{train,val,test}}')


def test_a_config_with_wrapped_sets(root):
    report = check_set(write_config(root))
    assert (report.name, report.classes) == ('tiny', ('a', 'b', 'c'))
    assert [split.images for split in report.splits.values()] == [4, 6]
    assert report.problems == []


def test_num_classes_that_disagree(root):
    (problem,) = check_set(write_config(root, count=4)).problems
    assert 'num_classes = 4, but its data set has 3 classes; correct num_classes' in str(problem)


def test_splits_with_other_classes(root):
    text = CONFIG.replace(
        'del data', "val_dataloader['dataset']['datasets'][0]['metainfo'] = {{'classes': 'xyz'}}\ndel data"
    )
    text = text.replace("'xyz'", "['x', 'y', 'z']").replace('[train, val]', '[dict(train), val]')
    problems = check_set(write_config(root, text)).problems
    assert "val has the classes ('x', 'y', 'z'), not ('a', 'b', 'c'); give all" in str(problems[0])


@pytest.mark.parametrize(('text', 'message'), [
    ('num_classes = 3', 'none of train_dataloader, val_dataloader, test_dataloader; give a recipe'),
    ("train_dataloader = dict(dataset=dict(type='CheckedSegDatset'))", 'CheckedSegDatset is not in the'),
    ("train_dataloader = dict(dataset=dict(type='CheckedSegDataset'))", 'no class names, got None'),
    ("train_dataloader = dict(dataset=dict(type='WTADataset', suffix=1))", "unexpected keyword argument 'suffix'"),
])  # fmt: skip
def test_configs_that_cannot_be_checked(root, text, message):
    with pytest.raises(UsageError, match=message):
        check_set(write_config(root, text))


def test_a_folder_has_nothing_to_swap(root):
    with pytest.raises(
        UsageError, match=r'--swap datasets=x: only a config has parts to swap, .*tiny is a folder'
    ):
        check_set(root, ['datasets=x'])


def test_progress_runs_over_all_splits(root):
    steps = []
    check_source(from_config(write_config(root)), 1, lambda *step: steps.append(step))
    assert steps == [(done, 10) for done in range(1, 11)]


def test_the_same_picture_and_the_same_stem_in_two_splits(root):
    for folder in ('img_dir', 'ann_dir'):
        shutil.copy(root / folder / 'train/train_000.png', root / folder / 'test/other.png')
        shutil.copy(root / folder / 'train/train_001.png', root / folder / 'val/train_000.png')
    report = check_set(root)
    assert report.problems == []
    assert [str(note) for note in report.notes] == [
        f'{root}/img_dir/val/train_000.png: the same picture, byte for byte, is in train; '
        'remove it from train or from val',
        f'{root}/img_dir/test/other.png: the same picture, byte for byte, is in train; '
        'remove it from train or from test',
    ]
    (root / 'img_dir/train/train_001.png').unlink()
    assert any('an image of the same stem is in train' in note.what for note in check_set(root).notes)


def test_empty_files_are_not_each_others_twins(tmp_path):
    for name in 'ab':
        (tmp_path / name).touch()
    splits = {name: [Pair(name, str(tmp_path / name), None)] for name in 'ab'}
    assert find_leaks(splits) == []


def test_a_class_without_a_pixel_is_said(root):
    for path in (root / 'ann_dir/val').iterdir():
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 0, mask)).save(path)
    (note,) = check_set(root).notes
    assert str(note) == 'val: class 2 (blob2) has no pixel here; it cannot be learnt or scored in this split'


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12))
def test_alpha_is_a_distribution_that_favours_the_rare(pixels):
    alpha = focal_alpha(pixels)
    assert alpha.sum() == pytest.approx(1)
    assert (alpha > 0).all()
    if any(pixels):
        present = np.flatnonzero(pixels)
        order = present[np.argsort(np.array(pixels)[present])]
        assert (np.diff(alpha[order]) <= 1e-12).all()
        assert np.allclose(alpha[np.array(pixels) == 0], alpha.max())


def test_alpha_of_known_shares():
    assert focal_alpha([16, 1]) == pytest.approx([1 / 3, 2 / 3])  # (16/1)^(1/4) = 2
    assert focal_alpha([9977, 20, 3]) == pytest.approx([0.0751, 0.3548, 0.5701], abs=1e-4)
    assert focal_alpha([0, 0]) == pytest.approx([0.5, 0.5])


def test_the_report_of_a_clean_set(root):
    report = check_set(root)
    text = printed(report)
    train = report.splits['train']
    assert f'2 blob2      │      {train.images_with[2]} │  {train.pixels[2]:,} │' in text
    assert f'{100 * train.shares[2]:.3g} │' in text
    alpha = ', '.join(f'{weight:.3f}' for weight in focal_alpha(train.pixels))
    assert f"dict(type='SoftmaxFocalLoss', alpha=[{alpha}], gamma=2.0)" in text
    assert 'ignored' in text
    assert text.endswith('tiny: 8 pairs checked, no problems\n')


def test_the_report_groups_problems_and_shows_their_paths(root):
    for path in root.glob('ann_dir/train/*.png'):
        path.write_bytes(b'')
    lines = printed(check_set(root)).splitlines()
    start = lines.index('Problems')
    assert lines[start + 1] == (
        '  • 4 times: an empty file (0 bytes); restore the file from its source, or remove the pair'
    )
    assert lines[start + 2] == f'      {root}/ann_dir/train/train_000.png'
    assert lines[start + 5] == '      and 1 more'
    assert lines[-1] == 'tiny: 8 pairs checked, 4 problems'
    assert 'shares in val' in '\n'.join(lines)  # train has no pixel left to count


def test_a_set_that_is_not_there_is_said_without_an_empty_table(root):
    shutil.rmtree(root / 'img_dir')
    shutil.rmtree(root / 'ann_dir')
    text = printed(check_set(write_config(root)))
    assert 'no such folder; get the set as data/README.md says' in text
    assert 'Classes of' not in text


def test_the_plot_is_written_whole_or_not_at_all(root, tmp_path):
    report = check_set(root)
    plot_shares(report, tmp_path / 'out/shares.png')
    assert Image.open(tmp_path / 'out/shares.png').width > 500
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['shares.png']
    (tmp_path / 'file').touch()
    with pytest.raises(UsageError, match=r'shares\.png: cannot be written .*; choose another --out'):
        plot_shares(report, tmp_path / 'file/shares.png')


def test_meta_may_name_another_ignored_value(root):
    meta = json.loads((root / 'meta.json').read_text())
    (root / 'meta.json').write_text(json.dumps({**meta, 'ignore_index': 254}))
    assert check_set(root).problems[0].what == 'value 255, but the 3 classes are 0..2'

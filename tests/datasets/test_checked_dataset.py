"""The registered data sets: items for mmseg's pipelines, names that rename, errors that say what to do."""

import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from synthetic import class_names, make_dataset

from mmseg_ext import datasets
from mmseg_ext.datasets.palette import default_palette
from mmseg_ext.errors import DataError

PIPELINE = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, {'type': 'PackSegInputs'}]
TRAIN = {'img_path': 'img_dir/train', 'seg_map_path': 'ann_dir/train'}


@pytest.fixture
def root(tmp_path):
    return make_dataset(tmp_path / 'set', ignore_rows=2)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def build(root, kind='WTADataset', **arguments):
    cfg = {'type': kind, 'data_root': str(root), 'data_prefix': TRAIN, 'pipeline': PIPELINE, **arguments}
    return DATASETS.build(cfg)


def test_items_hold_what_mmseg_needs(root):
    item = build(root).get_data_info(1)
    assert item == {
        'img_path': str(root / 'img_dir/train/train_001.png'),
        'seg_map_path': str(root / 'ann_dir/train/train_001.png'),
        'label_map': None,
        'reduce_zero_label': False,
        'seg_fields': [],
        'sample_idx': 1,
    }


def test_the_pipeline_sees_the_mask_unchanged(root):
    sample = build(root)[2]['data_samples']
    mask = cv2.imread(str(root / 'ann_dir/train/train_002.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(sample.gt_sem_seg.data[0], mask)
    assert {0, 255} < set(np.unique(mask))


@pytest.mark.parametrize(('kind', 'classes'), [
    ('WTADataset', ('background', 'attached', 'broken')),
    ('CrackDataset', ('background', 'crack')),
    ('IndoorDataset', tuple(f'c{k}' for k in range(10))),
    ('MagneticTileDataset', ('background', 'blowhole', 'break', 'crack', 'fray', 'uneven')),
])  # fmt: skip
def test_registered_classes_and_palettes(root, kind, classes):
    meta = build(root, kind, lazy_init=True).metainfo
    assert meta['classes'] == classes
    assert len({tuple(colour) for colour in meta['palette']}) == len(classes)
    assert meta['palette'][0] == [0, 0, 0]
    assert kind in datasets.__all__


def test_wta_is_black_red_green(root):
    assert build(root).metainfo['palette'] == [[0, 0, 0], [255, 0, 0], [0, 255, 0]]


def test_names_from_the_config_rename_and_never_remap(root):
    renamed = build(root, metainfo={'classes': ['sound', 'dirt', 'broken']})
    assert renamed.metainfo['classes'] == ['sound', 'dirt', 'broken']
    assert renamed.metainfo['label_map'] is None
    assert torch.equal(renamed[3]['data_samples'].gt_sem_seg.data, build(root)[3]['data_samples'].gt_sem_seg.data)


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'metainfo': {'classes': ['a', 'b']}}, r"2 class names \['a', 'b'\] for the 3 classes .* they do not select"),
    ({'metainfo': {'classes': ['background', 'broken', 'attached']}}, 'the classes in another order'),
    ({'metainfo': {'classes': ['a', 'b', 'a']}}, 'a class name occurs twice'),
    ({'metainfo': {'classes': 'background'}}, "no class names, got 'background'"),
    ({'metainfo': {'palette': [[0, 0, 0]]}}, 'a palette of 1 colours for 3 classes'),
    ({'reduce_zero_label': True}, r'reduce_zero_label=True would turn class 0, the background, into "ignore"'),
])  # fmt: skip
def test_settings_that_cannot_be_meant(root, arguments, message):
    with pytest.raises(ValueError, match=f'WTADataset: {message}'):
        build(root, **arguments)


def test_an_unknown_argument_is_refused(root):
    with pytest.raises(TypeError, match='img_sufix'):
        build(root, img_sufix='.png')


def test_anybodys_own_classes(root):
    own = build(root, 'CheckedSegDataset', metainfo={'classes': class_names(3)})
    assert own.metainfo['palette'] == default_palette(3)
    with pytest.raises(
        ValueError, match=r'CheckedSegDataset: no class names, got None; give metainfo=dict\(classes'
    ):
        build(root, 'CheckedSegDataset')


def test_default_colours_are_distinct_and_stable():
    palette = default_palette(20)
    assert palette[0] == [0, 0, 0]
    distances = torch.cdist(*[torch.tensor(palette, dtype=torch.float)] * 2) + 1e3 * torch.eye(20)
    assert distances.min() > 20
    assert default_palette(5) == palette[:5]
    assert default_palette(0) == []


def test_broken_pairing_stops_the_construction_with_everything_at_once(root):
    (root / 'ann_dir/train/train_000.png').unlink()
    shutil.copy(root / 'img_dir/train/train_001.png', root / 'img_dir/train/train_001.jpg')
    with pytest.raises(DataError) as caught:
        build(root)
    assert str(caught.value).startswith('WTADataset: 2 problems of 2 kinds')
    assert 'train_000.png: image without mask; put the mask of the same stem into' in str(caught.value)
    assert 'train_001.png: a second file of the stem "train_001", besides train_001.jpg' in str(caught.value)


def test_check_works_on_a_set_too_broken_to_build(root):
    (root / 'ann_dir/train/train_000.png').unlink()
    report = build(root, lazy_init=True).check(sample=1)
    assert (report.images, report.checked, len(report.problems)) == (3, 1, 1)


def test_prefixes_must_tell_images_from_masks(root):
    with pytest.raises(DataError, match='the folder of the images and of the masks; name both in data_prefix'):
        build(root, data_prefix={'img_path': '', 'seg_map_path': ''})


def test_prediction_only(root):
    items = build(root, data_prefix={'img_path': 'img_dir/test'}, pipeline=PIPELINE[:1])
    assert len(items) == 2
    assert 'seg_map_path' not in items.get_data_info(0)


def test_list_file_indices_and_wrappers(root):
    (root / 'some.txt').write_text('train_003\n\ntrain_001\n')
    listed = build(root, ann_file='some.txt')
    assert [item['img_path'][-7:] for item in map(listed.get_data_info, range(2))] == ['001.png', '003.png']
    assert len(listed) == 2
    assert len(build(root, indices=3)) == 3
    assert len(ConcatDataset([listed, build(root)])) == 6
    with pytest.raises(DataError, match=r'none\.txt: no such list file; correct ann_file'):
        build(root, ann_file='none.txt')


def test_suffixes_narrow_the_search(root):
    for path in (root / 'ann_dir/train').iterdir():
        path.rename(path.with_name(f'{path.stem}_mask.png'))
    with pytest.raises(DataError, match='8 problems'):
        build(root)
    assert len(build(root, seg_map_suffix='_mask.png')) == 4


def test_non_ascii_names_load(tmp_path):
    root = make_dataset(tmp_path / 'été 設', counts={'train': 1})
    for folder in ('img_dir', 'ann_dir'):
        (root / folder / 'train/train_000.png').rename(root / folder / 'train/ñandú 風.png')
    assert build(root)[0]['inputs'].shape == (3, 64, 80)


def test_a_truncated_image_is_named_when_it_is_loaded(root):
    path = root / 'img_dir/train/train_001.png'
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r'WTADataset: .*train_001\.png: cannot be decoded .*; restore the file'):
        build(root)[1]


def test_a_failing_transform_is_named_with_the_image(root):
    with pytest.raises(DataError, match=r"WTADataset: .*img_dir/train/train_000\.png: KeyError: 'shape'$"):
        build(root, pipeline=[lambda results: results['shape']])[0]


def test_a_label_outside_the_classes_names_its_file(root):
    path = root / 'ann_dir/train/train_000.png'
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[40, 40] = 3
    cv2.imwrite(str(path), mask)
    with pytest.raises(DataError, match=r'train_000\.png: value 3, but the 3 classes are 0\.\.2; add the class'):
        build(root)[0]


def test_a_pipeline_that_drops_an_image_draws_another(root):
    drop = [lambda results: results if results['sample_idx'] == 2 else None]
    assert build(root, pipeline=drop)[0]['sample_idx'] == 2


OTHERS = ['background', 'blowhole', 'break', 'crack', 'fray']


def test_a_set_of_fewer_classes_is_refused_before_its_masks_are_misread(root):
    with pytest.raises(DataError) as caught:
        build(root, 'CheckedSegDataset', metainfo={'classes': OTHERS})
    assert f'{root}/meta.json: it has 3 classes ({", ".join(class_names(3))}), the config 5' in str(caught.value)
    assert "take the set's own base, --swap datasets=, or correct that file" in str(caught.value)


def test_other_masks_than_those_of_ann_dir_may_have_other_classes(root):
    (root / 'ann_dir').rename(root / 'words')
    folders = {'img_path': 'img_dir/train', 'seg_map_path': 'words/train'}
    build(root, 'CheckedSegDataset', metainfo={'classes': OTHERS}, data_prefix=folders)


@pytest.mark.parametrize('text', ['{', '{"about": "photographs of 2024"}'])
def test_a_meta_file_of_somebody_else_is_none(root, text):
    (root / 'meta.json').write_text(text)
    build(root)


@pytest.mark.parametrize('classes', [class_names(2), [*class_names(3), 'seen elsewhere']])
def test_masks_may_have_been_reduced_and_the_config_may_know_more_classes(root, classes):
    build(root, 'CheckedSegDataset', metainfo={'classes': classes})

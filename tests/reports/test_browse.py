"""A view shows exactly what training and testing feed to the network, and counts it right."""

import cv2
import numpy as np
import pytest
import torch
from synthetic import make_dataset
from tiny_project import Project, make_project

from mmseg_ext.engine.runner import build_runner, working_copy
from mmseg_ext.errors import UsageError
from mmseg_ext.reports.browse import Seen, Statistics, open_view, raw_statistics
from mmseg_ext.reports.browse_pictures import cell, contact_sheet, masked, strip
from mmseg_ext.reports.browse_table import facts

CLASSES = ('background', 'blob1', 'blob2')
PALETTE = [[0, 0, 0], [255, 0, 0], [0, 255, 0]]


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


def seen(label: np.ndarray, size: tuple[int, int], value: float = 0.0) -> Seen:
    image = np.full((*label.shape, 3), 100, np.uint8)
    return Seen(image, label, size, torch.full((3, *size), value), dict(img_path='a/some_name.png', flip=True))


def test_the_first_batch_is_that_of_training(project, tmp_path):
    cfg = project.config(train_dataloader__num_workers=2, randomness__seed=5)
    runner = build_runner(working_copy(cfg, tmp_path, 'tiny'))
    loop = runner.build_train_loop(cfg.train_cfg)
    batch = runner.model.data_preprocessor(next(iter(loop.dataloader)), True)
    ours = list(open_view(cfg, 'train').samples(2))
    assert len(ours) == len(batch['inputs']) == 2
    for mine, inputs, sample in zip(ours, batch['inputs'], batch['data_samples'], strict=True):
        height, width = mine.size
        assert torch.equal(mine.normalised, inputs[:, :height, :width])
        assert (mine.label == sample.gt_sem_seg.data[0].numpy()).all()
        assert mine.meta['img_path'] == sample.img_path
    others = next(open_view(cfg, 'train', seed=6).samples(1))
    assert others.normalised.shape != ours[0].normalised.shape or not torch.equal(
        others.normalised, ours[0].normalised
    )


@pytest.mark.parametrize('bgr_to_rgb', [True, False])
def test_test_images_are_shown_as_they_are_and_padded(project, bgr_to_rgb):
    cfg = project.config(model__data_preprocessor__bgr_to_rgb=bgr_to_rgb)
    shown = list(open_view(cfg, 'test').samples(10))
    assert len(shown) == 3  # the split ends before the tenth
    for each in shown:
        on_disk = cv2.imread(each.meta['img_path'])
        mask = cv2.imread(each.meta['seg_map_path'], cv2.IMREAD_UNCHANGED)
        assert each.size == (64, 80)
        assert each.image.shape == (64, 96, 3)
        assert (each.image[:, :80] == on_disk).all()
        assert (each.label[:, :80] == mask).all()
        assert (each.label[:, 80:] == 255).all()


def test_counts_by_hand():
    label = np.full((4, 6), 255, np.uint8)
    label[:3, :4] = 0
    label[0, :2] = 2
    label[1, 0] = 255
    statistics = Statistics(CLASSES)
    statistics.add(seen(label, (3, 4), 1.0))
    statistics.add(seen(np.zeros((4, 6), np.uint8), (4, 6), -1.0))
    assert statistics.samples == 2
    assert statistics.pixels.tolist() == [9 + 24, 0, 2]
    assert statistics.images_with.tolist() == [2, 0, 1]
    assert statistics.ignored == 1
    assert statistics.padding == pytest.approx(1 - (12 + 24) / 48)
    assert statistics.shares == pytest.approx(np.array([33, 0, 2]) / 35)
    mean, deviation = statistics.channels
    assert mean == pytest.approx([(12 - 24) / 36] * 3)
    assert deviation == pytest.approx([np.std([1] * 12 + [-1] * 24)] * 3)


def test_masks_on_disk_are_all_counted(project, tmp_path):
    root = make_dataset(tmp_path / 'rows', counts=dict(train=3, val=1, test=1), ignore_rows=5)
    cfg = project.config(train_dataloader__dataset__data_root=str(root))
    masks = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted((root / 'ann_dir/train').iterdir())]
    raw = raw_statistics(cfg, 'train')
    assert raw.pixels.tolist() == [sum(int((mask == index).sum()) for mask in masks) for index in range(3)]
    assert raw.images_with.tolist() == [sum(bool((mask == index).any()) for mask in masks) for index in range(3)]
    assert (raw.samples, raw.ignored) == (3, 3 * 5 * 80)


def test_ignored_pixels_are_hatched_and_only_they():
    label = np.zeros((40, 60), np.uint8)
    label[:, 30:] = 255
    label[20, 10] = 1
    image = np.full((40, 60, 3), 100, np.uint8)
    picture = masked(image, label, PALETTE)
    striped = (picture == 130).all(2)  # 100 // 2 + 80
    assert 0.4 < striped[:, 30:].mean() < 0.6
    assert (picture[:, 30:][~striped[:, 30:]] == 100).all()
    assert not striped[:, :30].any()
    assert (picture[20, 12] == (0, 0, 255)).all()  # the ring of class 1, red


def test_a_sheet_holds_every_cell_and_the_legend():
    cells = [
        cell(number, seen(np.full((n, n), number % 3, np.uint8), (n, n)), PALETTE)
        for number, n in enumerate((64, 100, 700, 64, 64, 64, 64))
    ]
    assert max(max(each.shape) for each in cells) <= 320 + 30
    picture = contact_sheet(cells, CLASSES, PALETTE)
    assert picture.shape[1] <= 1800
    assert ((picture == (0, 0, 255)).all(2)).sum() > 100
    single = contact_sheet(cells[:1], ['background', 'a very long name of a class', 'another one'], PALETTE)
    assert single.shape[1] > 300


def test_a_strip_shows_the_file_beside_the_input(project):
    view = open_view(project.config(), 'test')
    sample = next(view.samples(1))
    both, three = strip(sample, PALETTE), strip(sample, PALETTE, raw=True)
    assert both.shape[1] == 2 * 96 + 6
    assert three.shape[1] == both.shape[1] + 80 + 6
    on_disk = cv2.imread(sample.meta['img_path'])
    untouched = (three[-64:, :80] == on_disk).all(2)
    assert untouched.mean() > 0.5


def test_facts_name_sizes_padding_and_channels(project):
    view, statistics = open_view(project.config(), 'test'), Statistics(CLASSES)
    for each in view.samples(3):
        statistics.add(each)
    said = '\n'.join(facts(statistics, view))
    assert '64x80 (3)' in said
    assert '64x96 (3); 16.7 % of that is padding' in said
    assert 'mean' in said
    assert 'ms a sample' in said


def test_a_config_without_pipeline_is_refused(project):
    cfg = project.config()
    cfg.train_dataloader.dataset.pipeline = []
    with pytest.raises(UsageError, match='train_dataloader has no pipeline'):
        open_view(cfg, 'train')

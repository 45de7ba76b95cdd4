"""The tables of a folder: every number by hand, and what an interruption or a full disk leaves."""

import csv

import cv2
import numpy as np
import pytest

from mmseg_ext.errors import RunError
from mmseg_ext.inference.counts import CLASS_COLUMNS, DEFECT_COLUMNS, defect_rows
from mmseg_ext.inference.folder import FolderWriter, predict_folder
from mmseg_ext.inference.images import NamedImage
from mmseg_ext.inference.predictor import Prediction

CLASSES = ['background', 'crack', 'dent']
MASK = np.uint8([[1, 1, 0, 0, 2], [0, 0, 0, 0, 2], [1, 0, 0, 0, 2], [0, 0, 0, 0, 0]])
SURE = np.float32([0.5, 0.7, 0.9, 0.8, 0.6, 0.7])  # crack crack dent dent crack dent


def prediction(source: str = 'a.png', mask: np.ndarray = MASK, sure: np.ndarray = SURE) -> Prediction:
    return Prediction(
        source, mask, np.full((3, *mask.shape), 0.25, np.float32), sure, np.full((*mask.shape, 3), 90, np.uint8)
    )


class Fake:
    """A predictor that knows the answer."""

    classes, palette = CLASSES, [[0, 0, 0], [255, 0, 0], [0, 255, 0]]

    def __init__(self, stop_at: str | None = None):
        self.stop_at = stop_at

    def predict_many(self, sources, scores, on_error, workers):
        for source in sources:
            if source == self.stop_at:
                raise KeyboardInterrupt
            yield prediction(source)


def table(path) -> list[list[str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.reader(file))


IMAGES = [NamedImage(name, name[:-4]) for name in ('left/a.png', 'right/a.png', 'b.png')]


def test_rows_by_hand():
    per_class, per_defect = defect_rows('a.png', prediction(), CLASSES)
    assert per_class == [
        ('a.png', 'crack', 2, 3, '15', 2, '0.6000'),
        ('a.png', 'dent', 1, 3, '15', 3, '0.8000'),
    ]
    assert per_defect == [
        ('a.png', 'crack', 0, 0, 2, 1, '0.5', '0.0', 2, '0.6000'),
        ('a.png', 'crack', 0, 2, 1, 1, '0.0', '2.0', 1, '0.6000'),
        ('a.png', 'dent', 4, 0, 1, 3, '4.0', '1.0', 3, '0.8000'),
    ]
    clean = prediction(mask=MASK * 0, sure=np.zeros(0, np.float32))
    assert defect_rows('a.png', clean, CLASSES) == (
        [('a.png', 'crack', 0, 0, '0', 0, ''), ('a.png', 'dent', 0, 0, '0', 0, '')],
        [],
    )


def test_files_of_every_image(tmp_path):
    done = []
    writer = FolderWriter(tmp_path / 'out', Fake(), scores=True)
    summary = predict_folder(IMAGES, writer, lambda *counts: done.append(counts))
    assert (summary.images, summary.defects, summary.failures) == (3, dict(crack=6, dent=3), [])
    assert done == [(1, 3), (2, 3), (3, 3)]
    files = {str(file.relative_to(tmp_path / 'out')) for file in (tmp_path / 'out').rglob('*') if file.is_file()}
    outputs = (('masks', 'png'), ('overlays', 'jpg'), ('scores', 'npy'))
    expected = {f'{folder}/{image.name}.{suffix}' for folder, suffix in outputs for image in IMAGES}
    assert files == expected | {'overlays/legend.png', 'defects.csv', 'components.csv'}
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'out/masks/right/a.png'), cv2.IMREAD_UNCHANGED), MASK)
    scores = np.load(tmp_path / 'out/scores/b.npy')
    assert (scores.dtype, scores.shape) == (np.float16, (3, 4, 5))
    classes, defects = (table(tmp_path / 'out' / name) for name in ('defects.csv', 'components.csv'))
    assert (tuple(classes[0]), tuple(defects[0])) == (CLASS_COLUMNS, DEFECT_COLUMNS)
    assert [row[0] for row in classes[1:]] == [image.path for image in IMAGES for _ in range(2)]
    assert len(defects) == 1 + 3 * 3
    assert writer.overwritten == 0
    predict_folder(IMAGES[1:], writer)
    assert writer.overwritten == 2


def test_an_interruption_leaves_the_tables_of_what_was_done(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict_folder(IMAGES, FolderWriter(tmp_path, Fake(stop_at='b.png'), overlays=False))
    assert {row[0] for row in table(tmp_path / 'defects.csv')[1:]} <= {'left/a.png', 'right/a.png'}
    assert not (tmp_path / 'overlays').exists()
    assert not list(tmp_path.rglob('.*'))


def test_a_disk_that_takes_no_more_is_one_line(tmp_path, monkeypatch):
    def full(path, image):
        raise OSError(28, 'No space left on device')

    (tmp_path / 'defects.csv').write_text('before')
    monkeypatch.setattr('mmseg_ext.inference.folder.write_image', full)
    with pytest.raises(RunError, match=r'cannot write left/a \(No space left'):
        predict_folder(IMAGES, FolderWriter(tmp_path, Fake(), overlays=False))
    assert (tmp_path / 'defects.csv').read_text() == 'before'
    assert not list(tmp_path.rglob('.*'))

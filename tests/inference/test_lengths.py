"""Length and width of cracks in the tables of a folder, every number by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmseg_ext.errors import UsageError
from mmseg_ext.inference.counts import CLASS_COLUMNS, DEFECT_COLUMNS, LINE_COLUMNS, Ruler, defect_rows
from mmseg_ext.inference.folder import FolderWriter, predict_folder
from mmseg_ext.inference.images import NamedImage
from mmseg_ext.inference.predictor import Prediction
from mmseg_ext.inference.sources import class_curves

CLASSES = ['background', 'crack', 'dent']
MASK = np.zeros((9, 24), np.uint8)
MASK[1:3, 2:12] = MASK[5, 3:8] = 1  # 10 x 2 and 5 x 1
MASK[4:7, 12:15] = 2


def prediction(mask: np.ndarray = MASK, source: str = 'a.png') -> Prediction:
    sure = np.full(np.count_nonzero(mask), 0.75, np.float32)
    return Prediction(source, mask, None, sure, np.zeros((*mask.shape, 3), np.uint8))


def test_rows_in_pixels_by_hand():
    per_class, per_defect = defect_rows('a.png', prediction(), CLASSES, Ruler(('crack',)))
    assert [row[len(CLASS_COLUMNS) :] for row in per_class] == [(15.0, 1.67, 2.0), ('', '', '')]
    assert [row[len(DEFECT_COLUMNS) :] for row in per_defect] == [(10.0, 2.0, 2.0), (5.0, 1.0, 1.0), ('', '', '')]
    assert [row[:9] for row in per_defect] == [  # the row of the length is the row of the box
        ('a.png', 'crack', 2, 1, 10, 2, '6.5', '1.5', 20),
        ('a.png', 'crack', 3, 5, 5, 1, '5.0', '5.0', 5),
        ('a.png', 'dent', 12, 4, 3, 3, '13.0', '5.0', 9),
    ]


def test_rows_in_millimetres_too():
    ruler = Ruler(('dent', 'crack'), 0.2)
    assert ruler.columns == (*LINE_COLUMNS, 'length_mm', 'mean_width_mm', 'max_width_mm')
    per_class, per_defect = defect_rows('a.png', prediction(), CLASSES, ruler)
    assert per_class[0][7:] == (15.0, 1.67, 2.0, 3.0, 0.3333, 0.4)
    assert [row[10:] for row in per_defect] == [
        (10.0, 2.0, 2.0, 2.0, 0.4, 0.4),
        (5.0, 1.0, 1.0, 1.0, 0.2, 0.2),
        (3.0, 3.0, 3.0, 0.6, 0.6, 0.6),
    ]
    assert ruler.text(1234.56) == '1234.6 pixels (246.9 mm)'
    assert Ruler(('crack',)).text(7) == '7.0 pixels'


def test_an_image_without_cracks_has_length_0_and_no_width():
    for scale, cells in ((None, (0.0, '', '')), (0.5, (0.0, '', '', 0.0, '', ''))):
        per_class, per_defect = defect_rows('a.png', prediction(MASK * 0), CLASSES, Ruler(('crack',), scale))
        assert per_class[0][7:] == cells
        assert per_class[1][7:] == ('',) * len(cells)
        assert per_defect == []


def test_without_lines_the_tables_are_as_they_were():
    assert Ruler().columns == ()
    per_class, per_defect = defect_rows('a.png', prediction(), CLASSES)
    assert {len(row) for row in per_class} == {len(CLASS_COLUMNS)}
    assert {len(row) for row in per_defect} == {len(DEFECT_COLUMNS)}


@pytest.mark.parametrize('scale', [0, -1, float('nan'), float('inf')])
def test_a_scale_that_is_none(scale):
    with pytest.raises(UsageError, match='mm per pixel: expected a number above 0'):
        Ruler(('crack',), scale)


def test_a_scale_where_nothing_is_a_line():
    with pytest.raises(
        UsageError, match=r'0\.2 mm per pixel: this model has no class that is a line.*leave it out'
    ):
        Ruler((), 0.2)


class Fake:
    """A predictor that finds the cracks in two images, in the second one upside down."""

    classes, palette = CLASSES, [[0, 0, 0], [255, 0, 0], [0, 255, 0]]

    def predict_many(self, sources, scores, on_error, workers):
        for number, source in enumerate(sources):
            yield prediction(MASK[:: 1 - 2 * (number % 2)] if number < 2 else MASK * 0, source)


def test_the_summary_adds_lengths_and_keeps_the_widest(tmp_path):
    images = [NamedImage(Path(name), name[0]) for name in ('a.png', 'b.png', 'c.png')]
    writer = FolderWriter(tmp_path, Fake(), overlays=False, ruler=Ruler(('crack',), 2.0))
    summary = predict_folder(images, writer)
    assert summary.defects == dict(crack=4, dent=2)
    assert summary.lines == dict(crack=(30.0, 2.0))
    with (tmp_path / 'defects.csv').open(encoding='utf-8') as file:
        rows = [row for row in csv.DictReader(file) if row['class'] == 'crack']
    assert [(row['length'], row['max_width_mm']) for row in rows] == [
        ('15.0', '4.0'),
        ('15.0', '4.0'),
        ('0.0', ''),
    ]
    with (tmp_path / 'components.csv').open(encoding='utf-8') as file:
        lengths = [(row['class'], row['length'], row['length_mm']) for row in csv.DictReader(file)]
    first = [('crack', '10.0', '20.0'), ('crack', '5.0', '10.0'), ('dent', '', '')]
    assert lengths == [*first, first[1], first[0], first[2]]  # the second image stands on its head


def config(**dataset) -> Config:
    """A config of a test data set, whose files are not there."""
    return Config(dict(test_dataloader=dict(dataset=dict(data_root='/nowhere', **dataset))))


@pytest.mark.parametrize(
    ('dataset', 'curves'),
    [
        (dict(type='CrackDataset'), ('crack',)),
        (dict(type='MagneticTileDataset'), ()),
        (dict(type='CheckedSegDataset', metainfo=dict(classes=['wall', 'seam', 'stain'])), ()),
        (
            dict(type='CheckedSegDataset', metainfo=dict(classes=['wall', 'seam', 'stain'], curves=['seam'])),
            ('seam',),
        ),
        (dict(type='CrackDataset', metainfo=dict(classes=['road', 'rut'])), ()),  # a renamed class is not known
    ],
)
def test_which_classes_are_lines(dataset, curves):
    import mmseg_ext.engine  # noqa: F401 (registers the data sets)

    assert class_curves(config(**dataset)) == curves

"""labelme and COCO files, judged by decoders that share nothing with what wrote them."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path
from PIL import Image

from augment.errors import DataError
from augment.labels.coco import from_coco, joined, to_coco
from augment.labels.labelme import from_labelme, to_labelme
from augment.labels.rle import decode, encode, uncompressed

CLASSES = ('background', 'attached', 'broken')
IDS = {'background': 0, 'attached': 1, 'broken': 2, '__ignore__': 255}
LABELS = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 0, 1, 2, 255])
)
RING = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 2]], np.uint8)


def inside(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre is in the polygon, by matplotlib."""
    rows, columns = np.indices(shape) + 0.5
    closed = Path(np.vstack([points, points[:1]]))
    return closed.contains_points(np.stack([columns.ravel(), rows.ravel()], 1)).reshape(shape)


def run_by_run(content: dict) -> np.ndarray:
    """Run lengths laid out pixel by pixel, down the columns."""
    height, width = content['size']
    mask, place, value = np.zeros((height, width), bool), 0, False
    for count in content['counts']:
        for pixel in range(place, place + count):
            mask[pixel % height, pixel // height] = value
        place, value = place + count, not value
    assert place == height * width
    return mask


def coco_mask(segmentation: list | dict, shape: tuple[int, int]) -> np.ndarray:
    """A segmentation decoded as the format says: the sum of its polygons, or its runs."""
    if isinstance(segmentation, dict):
        return run_by_run(segmentation)
    return np.any([inside(np.reshape(polygon, (-1, 2)), shape) for polygon in segmentation], axis=0)


@settings(deadline=None, max_examples=150)
@given(LABELS)
def test_labelme_holds_the_exact_label(label):
    content = json.loads(json.dumps(to_labelme(label, CLASSES, '../images/a.png')))
    assert (content['imageHeight'], content['imageWidth']) == label.shape
    painted = np.zeros_like(label)
    for shape in content['shapes']:
        assert shape['shape_type'] == 'polygon'
        assert len(shape['points']) >= 3
        assert all(isinstance(number, float) for point in shape['points'] for number in point)
        painted[inside(np.array(shape['points']), label.shape)] = IDS[shape['label']]
    np.testing.assert_array_equal(painted, label)
    np.testing.assert_array_equal(from_labelme(content, CLASSES), label)


def test_labelme_has_all_that_its_reader_asks_for():
    content = to_labelme(RING, CLASSES, '../images/a.png')
    assert list(content) == ['version', 'flags', 'shapes', 'imagePath', 'imageData', 'imageHeight', 'imageWidth']
    assert [shape['label'] for shape in content['shapes']] == ['attached', 'background', 'broken']
    assert list(content['shapes'][0]) == [
        'label', 'points', 'group_id', 'description', 'shape_type', 'flags', 'mask'
    ]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(LABELS)
def test_coco_holds_the_exact_label(label):
    content = json.loads(json.dumps(to_coco('a', label, CLASSES)))
    names = {category['id']: category['name'] for category in content['categories']}
    painted = np.zeros_like(label)
    for annotation in content['annotations']:
        mask = coco_mask(annotation['segmentation'], label.shape)
        rows, columns = np.nonzero(mask)
        size = int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1
        assert annotation['bbox'] == [columns.min(), rows.min(), *size]
        assert (annotation['area'], annotation['iscrowd'], annotation['image_id']) == (mask.sum(), 0, 1)
        assert not painted[mask].any(), 'parts do not overlap'
        painted[mask] = IDS[names[annotation['category_id']]]
    np.testing.assert_array_equal(painted, label)
    np.testing.assert_array_equal(from_coco(content, CLASSES)['a'], label)


@settings(deadline=None, max_examples=100)
@given(LABELS)
def test_pycocotools_reads_the_exact_label(label):
    mask_tools = pytest.importorskip('pycocotools.mask', reason='pycocotools is not installed')
    painted = np.zeros_like(label)
    for annotation in to_coco('a', label, CLASSES)['annotations']:
        runs = mask_tools.frPyObjects(annotation['segmentation'], *label.shape)
        runs = mask_tools.merge(runs) if isinstance(runs, list) else runs
        mask = mask_tools.decode(runs).astype(bool)
        painted[mask] = annotation['category_id']
        np.testing.assert_array_equal(decode({'size': runs['size'], 'counts': runs['counts'].decode()}), mask)
    np.testing.assert_array_equal(painted, label)


def test_a_hole_takes_run_lengths_and_a_plain_part_a_polygon():
    ring, dot = to_coco('a', RING, CLASSES)['annotations']
    # Down the columns: nothing, three of the ring, one, the hole, one, three.
    assert ring['segmentation'] == {'size': [3, 4], 'counts': [0, 4, 1, 4, 3]}
    assert dot['segmentation'] == [[3, 2, 4, 2, 4, 3, 3, 3]]
    assert (dot['category_id'], dot['bbox'], dot['area']) == (2, [3, 2, 1, 1], 1)


def test_ignored_is_a_category_where_it_occurs():
    assert [c['id'] for c in to_coco('a', RING, CLASSES)['categories']] == [1, 2]
    assert [c['id'] for c in to_coco('a', np.uint8([[255]]), CLASSES)['categories']] == [1, 2, 255]


def test_joined_files_are_numbered_through():
    labels = {'a': RING, 'b': np.zeros((2, 2), np.uint8), 'c/d': np.uint8([[255, 2]])}
    content = joined(to_coco(stem, label, CLASSES) for stem, label in labels.items())
    assert [image['id'] for image in content['images']] == [1, 2, 3]
    assert [(a['id'], a['image_id']) for a in content['annotations']] == [(1, 1), (2, 1), (3, 3), (4, 3)]
    assert [c['name'] for c in content['categories']] == ['attached', 'broken', '__ignore__']
    found = from_coco(content, CLASSES)
    assert found.keys() == labels.keys()
    assert all(np.array_equal(found[stem], label) for stem, label in labels.items())


@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_run_lengths(mask):
    content = encode(mask)
    assert content['size'] == list(mask.shape)
    np.testing.assert_array_equal(run_by_run(content), mask)
    np.testing.assert_array_equal(decode(content), mask)


def test_compressed_run_lengths_by_hand():
    # 5; 40 = 8 + 1 * 32: 8 and more ('X'), then 1; 7; 43, which is 3 above 40; 2, which is 5 below 7: -5 is
    # 27 in five bits with the sign ('K').
    assert uncompressed('5X173K') == [5, 40, 7, 43, 2]


@pytest.mark.parametrize('counts', [[3, 4], [-1, 7], [6, 1], '1'])
def test_run_lengths_that_do_not_fit(counts):
    with pytest.raises(DataError, match='run lengths for'):
        decode({'size': [2, 3], 'counts': counts})


def drawn(kind: str, points: list, name: str = 'broken', **more: object) -> dict:
    """A labelme file of 6 x 8 pixels with one shape."""
    shape = {'label': name, 'points': points, 'shape_type': kind, **more}
    return {'imageHeight': 6, 'imageWidth': 8, 'shapes': [shape]}


def test_other_shapes_of_labelme():
    box = from_labelme(drawn('rectangle', [[5.0, 4.0], [1.0, 2.0]]), CLASSES)
    assert np.argwhere(box == 2).tolist() == [[row, column] for row in (2, 3) for column in (1, 2, 3, 4)]
    disc = from_labelme(drawn('circle', [[4.0, 3.0], [4.0, 4.2]]), CLASSES)
    assert np.argwhere(disc).tolist() == [[2, 3], [2, 4], [3, 3], [3, 4]]
    stamp = np.array([[1, 0, 1], [0, 1, 1]], bool)
    file = io.BytesIO()
    Image.fromarray(stamp).save(file, 'png')
    encoded = base64.b64encode(file.getvalue()).decode()
    stamped = from_labelme(drawn('mask', [[5, 4], [7, 5]], mask=encoded), CLASSES)
    np.testing.assert_array_equal(stamped[4:, 5:] == 2, stamp)
    assert stamped.astype(bool).sum() == stamp.sum()
    with pytest.raises(DataError, match=r'3 x 2 at \(6, 4\) leaves the picture'):
        from_labelme(drawn('mask', [[6, 4], [8, 5]], mask=encoded), CLASSES)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (drawn('polygon', [[0, 0], [1, 0], [1, 1]], 'brokne'), "'brokne'; known: background, attached, broken"),
        (drawn('line', [[0, 0], [5, 5]]), 'line of 2 points and has no area'),
        (drawn('polygon', [[0, 0], [5, 5]]), 'polygon of 2 points and has no area'),
        (drawn('polygon', [[0, 0], [5, float('nan')], [1, 1]]), 'shape 1 has a point at'),
        (drawn('mask', [[0, 0], [1, 1]], mask='no PNG'), 'damaged labelme file'),
        (drawn('mask', [[0, 0], [1, 1]]), "KeyError 'mask'"),
        ({'shapes': []}, "KeyError 'imageHeight'"),
        ({'shapes': 5, 'imageHeight': 3, 'imageWidth': 3}, 'TypeError'),
        ({'shapes': [], 'imageHeight': -3, 'imageWidth': 3}, 'ValueError'),
    ],
)
def test_labelme_files_that_cannot_be_used(content, message):
    with pytest.raises(DataError, match=message):
        from_labelme(content, CLASSES)


def coco(**changes: object) -> dict:
    """A COCO file of one image of 4 x 3 pixels, with one annotation of a triangle."""
    annotation = {'id': 7, 'image_id': 3, 'category_id': 12, 'segmentation': [[0, 0, 4, 0, 0, 3]]} | changes
    images = [{'id': 3, 'file_name': 'images\\x.y.png', 'width': 4, 'height': 3}]
    return {'images': images, 'annotations': [annotation], 'categories': [{'id': 12, 'name': 'broken'}]}


def test_coco_of_another_tool():
    found = from_coco(coco(), CLASSES)
    assert list(found) == ['images/x.y']
    assert found['images/x.y'].tolist() == [
        [2, 2, 2, 0],
        [2, 2, 0, 0],
        [2, 0, 0, 0],
    ]  # its right side: 4 - 4 y / 3


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            coco() | {'categories': [{'id': 12, 'name': 'rust'}]},
            "annotation 7 is called 'rust'; known: background",
        ),
        (coco(category_id=13), 'damaged COCO file: KeyError 13'),
        (coco(image_id=4), 'KeyError 4'),
        (coco(segmentation=[[0, 0, 1, 1]]), 'a polygon of 4 numbers'),
        (coco(segmentation=[[0, 0, 1, 1, 2, 2, 3]]), 'a polygon of 7 numbers'),
        (coco(segmentation={'size': [4, 3], 'counts': [12]}), r'run lengths of \(3, 4\) pixels'),
        (coco(segmentation={'size': [3, 4], 'counts': [11]}), 'run lengths for 11 pixels'),
        (coco(segmentation=None), 'TypeError'),
        ({'annotations': []}, "KeyError 'categories'"),
    ],
)
def test_coco_files_that_cannot_be_used(content, message):
    with pytest.raises(DataError, match=message):
        from_coco(content, CLASSES)

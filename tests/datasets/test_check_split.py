"""Every kind of bad file is found, named and explained; all of them in one pass."""

import shutil
import time

import cv2
import numpy as np
import pytest
from PIL import Image
from synthetic import class_names, make_dataset

from mmseg_ext.datasets import check
from mmseg_ext.datasets.check import check_split

CLASSES = class_names(3)


@pytest.fixture
def root(tmp_path):
    return make_dataset(tmp_path / 'set', counts={'train': 4}, ignore_rows=2)


def run(root, classes=CLASSES, **arguments):
    return check_split(root / 'img_dir/train', root / 'ann_dir/train', classes, **arguments)


def image_path(root, index=0):
    return root / f'img_dir/train/train_{index:03d}.png'


def mask_path(root, index=0):
    return root / f'ann_dir/train/train_{index:03d}.png'


def load(path):
    return np.array(Image.open(path))


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)


def rewrite_all_masks(root, change):
    for index in range(4):
        save(mask_path(root, index), change(load(mask_path(root, index))))


def test_a_clean_split_is_counted(root):
    masks = np.stack([load(mask_path(root, index)) for index in range(4)])
    report = run(root)
    assert not report.problems
    assert not report.notes
    assert (report.images, report.checked, report.ignored) == (4, 4, 4 * 2 * 80)
    assert report.pixels.tolist() == [(masks == k).sum() for k in range(3)]
    assert report.images_with.tolist() == [(masks == k).any((1, 2)).sum() for k in range(3)]
    assert report.pixels.dtype == np.int64
    assert report.shares.sum() == pytest.approx(1)


def test_palette_and_one_bit_masks_are_indices(root):
    palette = Image.fromarray(load(mask_path(root)))
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    expected = run(root).pixels
    palette.save(mask_path(root))
    assert Image.open(mask_path(root)).mode == 'P'
    assert run(root).pixels.tolist() == expected.tolist()
    Image.fromarray(load(image_path(root))[..., 0] > 110).save(mask_path(root))
    report = run(root)
    assert not report.problems
    assert report.pixels[1] > expected[1]


def swap_sides(root):
    save(mask_path(root), load(mask_path(root)).T)


def cut_mask(root):
    save(mask_path(root), load(mask_path(root))[:60])


def exif_turned(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(image_path(root).with_suffix('.jpg'), load(image_path(root)), exif=exif)
    image_path(root).unlink()


def truncated_image(root):
    image_path(root).write_bytes(image_path(root).read_bytes()[:3000])


def empty_mask_file(root):
    mask_path(root).write_bytes(b'')


def text_as_image(root):
    image_path(root).write_text('<html>not found</html>')


def rgb_mask(root):
    save(mask_path(root), np.dstack([load(mask_path(root))] * 3))


def jpeg_mask(root):
    save(mask_path(root).with_suffix('.jpg'), load(mask_path(root)), quality=95)
    mask_path(root).unlink()


def sixteen_bit_image(root):
    cv2.imwrite(str(image_path(root)), load(image_path(root)).astype(np.uint16) * 16)


def sixteen_bit_grey_image(root):
    cv2.imwrite(str(image_path(root)), load(image_path(root))[..., 0].astype(np.uint16) * 16)


def wide_mask(root):
    cv2.imwrite(str(mask_path(root)), load(mask_path(root)).astype(np.uint16) + 256)


def fractional_mask(root):
    Image.fromarray(load(mask_path(root)) / np.float32(2)).save(mask_path(root).with_suffix('.tif'))
    mask_path(root).unlink()


def foreign_value(root):
    mask = load(mask_path(root))
    mask[10, 10] = 7
    save(mask_path(root), mask)


def soft_edges(root):
    save(mask_path(root), cv2.GaussianBlur(load(mask_path(root))[2:] * 90, (0, 0), 5)[:62].repeat(2, 0)[:64])


BAD_FILES = [
    (swap_sides, '80×64 pixels (height × width), but its image is 64×80: transposed; turn one of the two'),
    (cut_mask, '60×80 pixels (height × width), but its image is 64×80; image and mask must be the same picture'),
    (exif_turned, 'but its image is 80×64; the image is turned by its EXIF tag: save it upright without the tag'),
    (truncated_image, 'cannot be decoded (image file is truncated'),
    (empty_mask_file, 'an empty file (0 bytes); restore the file from its source, or remove the pair'),
    (text_as_image, 'not an image, or its header is damaged; restore the file'),
    (rgb_mask, 'a mask of several channels or of fractions (mode RGB); save one 8-bit channel of class indices'),
    (jpeg_mask, 'a JPEG mask; export the masks again, as PNG: JPEG smears the class values at every edge'),
    (sixteen_bit_image, 'a 16-bit image; convert it to 8 bits: training keeps the high byte only'),
    (sixteen_bit_grey_image, 'a 16-bit image; convert it to 8 bits: training keeps the high byte only'),
    (wide_mask, 'a 16-bit mask with values 256..511; save class indices in 8 bits'),
    (fractional_mask, '(mode F); save one 8-bit channel of class indices'),
    (
        foreign_value,
        'value 7, but the 3 classes are 0..2; add the class to `classes` and `num_classes`, or write 255',
    ),
    (soft_edges, 'but the 3 classes are 0..2; grey levels from soft edges, resizing or lossy saving'),
]


@pytest.mark.parametrize(('spoil', 'expected'), BAD_FILES, ids=[spoil.__name__ for spoil, _ in BAD_FILES])
def test_a_bad_file_is_named_with_cause_and_cure(root, spoil, expected):
    spoil(root)
    report = run(root)
    found = [str(problem) for problem in report.problems]
    assert any(expected in text and 'train_000' in text for text in found), found
    assert all('train_000' in problem.path for problem in report.problems)
    assert report.images == 4


def test_all_problems_are_reported_in_one_pass(root):
    truncated_image(root)
    save(mask_path(root, 1), load(mask_path(root, 1)).T)
    mask_path(root, 2).unlink()
    save(mask_path(root, 3), np.dstack([load(mask_path(root, 3))] * 3))
    paths = sorted(problem.path[-len('img_dir/train/train_000.png') :] for problem in run(root).problems)
    assert paths == [
        'ann_dir/train/train_001.png',
        'ann_dir/train/train_003.png',
        'img_dir/train/train_000.png',
        'img_dir/train/train_002.png',
    ]


def test_0_255_masks_are_recognised_from_the_whole_split(root):
    rewrite_all_masks(root, lambda mask: np.where((mask == 1) | (mask == 2), 255, 0).astype(np.uint8))
    report = run(root, ['background', 'crack'])
    assert len(report.problems) == 4
    assert str(report.problems[0]) == (
        f'{mask_path(root)}: values 0 and 255 only, a 0/255 mask; write class indices 0..1: 255 becomes 1'
    )


def test_one_mask_of_background_and_ignored_pixels_is_fine_among_others(root):
    save(mask_path(root), np.where(load(mask_path(root)) == 255, 255, 0).astype(np.uint8))
    assert not run(root).problems


def test_0_255_masks_are_recognised_where_another_value_means_ignore(root):
    rewrite_all_masks(root, lambda mask: np.where(mask == 1, 255, 0).astype(np.uint8))
    assert all('a 0/255 mask' in problem.what for problem in run(root, ignore_index=254).problems)


def test_classes_counted_from_one(root):
    rewrite_all_masks(root, lambda mask: np.where(mask == 255, 255, mask + 1).astype(np.uint8))
    (problem, *_) = run(root).problems
    assert problem.what == 'value 3, but the 3 classes are 0..2'
    assert problem.cure == 'the classes seem to be counted from 1: subtract 1 to get 0..2'


@pytest.mark.parametrize('middle', [127, 128])
def test_classes_as_grey_levels(root, middle):
    rewrite_all_masks(root, lambda mask: np.choose(np.minimum(mask, 2), [0, middle, 255]).astype(np.uint8))
    assert {p.cure for p in run(root).problems} == {
        'the classes are spread over 0..255 as grey levels: write the indices 0..2'
    }


def test_grey_and_alpha_images_are_notes(root):
    Image.open(image_path(root)).convert('L').save(image_path(root))
    Image.open(image_path(root, 1)).convert('RGBA').save(image_path(root, 1))
    report = run(root)
    assert not report.problems
    assert [note.what for note in report.notes] == ['a grey image', 'an alpha channel']


def test_a_sample_decodes_some_and_looks_at_all_headers(root):
    rgb_mask(root)
    reports = [run(root, sample=2, workers=1) for _ in range(2)]
    assert [report.checked for report in reports] == [2, 2]
    assert reports[0].pixels.tolist() == reports[1].pixels.tolist()
    assert all('mode RGB' in report.problems[0].what for report in (*reports, run(root, sample=0)))
    assert run(root, sample=99).checked == 4


def test_a_header_is_read_without_decoding(root):
    truncated_image(root)
    assert not run(root, sample=0).problems


def test_progress_is_told_after_every_pair(root):
    steps = []
    run(root, workers=2, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_interrupt_does_not_wait_for_the_rest(root, monkeypatch):
    opened = []

    def slow(pair, decode):
        opened.append(pair)
        time.sleep(0.02)

    def interrupt(done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, 'read_pair', slow)
    with pytest.raises(KeyboardInterrupt):
        check.read_pairs([None] * 50, workers=1, progress=interrupt)
    assert len(opened) < 10


def test_prediction_only_and_missing_folders_give_a_report(root):
    report = check_split(root / 'img_dir/train', None, CLASSES)
    assert (report.images, report.problems) == (4, [])
    shutil.rmtree(root / 'ann_dir')
    report = run(root)
    assert report.images == 0
    assert np.isnan(report.shares).all()
    assert [problem.what for problem in report.problems] == ['no such folder']

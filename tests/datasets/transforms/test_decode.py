"""Files become the arrays that mmseg's two loading transforms make of them."""

import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmseg_ext.datasets.transforms import decode
from mmseg_ext.datasets.transforms.decode import read_image, read_mask

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (30, 46, 3), np.uint8)
LABELS = RNG.choice([0, 1, 7, 255], (30, 46)).astype(np.uint8)


@pytest.fixture(params=[10**9, 0], ids=['usual', 'large'])
def size(request, monkeypatch):
    """With the way for large files off, and on for all."""
    monkeypatch.setattr(decode, 'LARGE_FILE', request.param)
    return request.param


def upstream_image(path) -> np.ndarray:
    return LoadImageFromFile()({'img_path': str(path)})['img']


def upstream_mask(path) -> np.ndarray:
    results = {'seg_map_path': str(path), 'seg_fields': [], 'reduce_zero_label': False}
    return LoadAnnotations()(results)['gt_seg_map']


@pytest.mark.parametrize('name', ['a.png', 'a.jpg', 'a.jpeg', 'a.bmp', 'a.tif', 'A.JPG'])
@pytest.mark.parametrize('mode', ['RGB', 'L'])
def test_images_of_all_formats(tmp_path, size, name, mode):
    Image.fromarray(COLOURS).convert(mode).save(tmp_path / name)
    assert np.array_equal(read_image(tmp_path / name), upstream_image(tmp_path / name))
    assert read_image(tmp_path / name).flags.writeable


@pytest.mark.parametrize('mode', ['RGBA', 'P', '1', 'CMYK', 'LA', 'I;16'])
def test_images_of_rare_modes(tmp_path, size, mode):
    picture = Image.fromarray(COLOURS)
    path = tmp_path / ('a.jpg' if mode == 'CMYK' else 'a.png')
    picture = Image.fromarray(LABELS.astype(np.uint16) * 200) if mode == 'I;16' else picture.convert(mode)
    picture.save(path)
    assert np.array_equal(read_image(path), upstream_image(path))


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('shape', [(30, 46), (32, 32)])
def test_photos_are_turned_upright(tmp_path, size, orientation, shape):
    exif = Image.Exif()
    exif[decode.ORIENTATION] = orientation
    Image.fromarray(COLOURS[:, :, :].repeat(2, 0)[: shape[0], : shape[1]]).save(tmp_path / 'a.jpg', exif=exif)
    assert np.array_equal(read_image(tmp_path / 'a.jpg'), upstream_image(tmp_path / 'a.jpg'))


def test_a_progressive_jpeg(tmp_path, size):
    Image.fromarray(COLOURS).save(tmp_path / 'a.jpg', progressive=True)
    assert np.array_equal(read_image(tmp_path / 'a.jpg'), upstream_image(tmp_path / 'a.jpg'))


@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_a_damaged_image_is_an_error_or_what_mmseg_makes_of_it(tmp_path, size, name):
    path, damaged = tmp_path / name, tmp_path / f'cut{name}'
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    content = path.read_bytes()
    cuts = [content[:k] for k in range(0, len(content) - 30, max(len(content) // 60, 1))]
    holes = [content[:k] + bytes(40) + content[k + 40 :] for k in range(0, len(content), len(content) // 25)]
    errors = 0
    for case in [*cuts, *holes, b'', b'no image' * 100]:
        damaged.write_bytes(case)
        try:
            expected = upstream_image(damaged)
        except (AssertionError, cv2.error):
            errors += 1
            with pytest.raises((ValueError, OSError), match='cannot be decoded as an image'):
                read_image(damaged)
        else:
            assert np.array_equal(read_image(damaged), expected)
    assert errors > 40


def test_the_way_for_large_files_is_taken(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / 'a.jpg')
    assert np.array_equal(decode._decode_large_jpeg(tmp_path / 'a.jpg'), upstream_image(tmp_path / 'a.jpg'))
    assert decode.LARGE_FILE < 3_000_000


def save_mask(path, mode: str) -> None:
    if mode == 'P':
        picture = Image.fromarray(LABELS).convert('P')
        picture.putdata(LABELS.ravel().tolist())
        picture.putpalette(RNG.integers(0, 256, 768).tolist())
        picture.save(path)
    elif mode == '1':
        Image.fromarray(LABELS > 0).save(path)
    elif mode == 'transparent':
        Image.fromarray(LABELS).save(path, transparency=7)
    elif mode == 'I;16':
        Image.fromarray(LABELS.astype(np.uint16)).save(path)
    elif mode == 'cv2':
        cv2.imwrite(str(path), LABELS)
    else:
        Image.fromarray(LABELS).save(path)


@pytest.mark.parametrize('mode', ['L', 'P', '1', 'transparent', 'I;16', 'cv2'])
def test_masks_of_all_kinds(tmp_path, mode):
    save_mask(tmp_path / 'a.png', mode)
    mask = read_mask(tmp_path / 'a.png')
    assert np.array_equal(mask, upstream_mask(tmp_path / 'a.png'))
    assert mask.dtype == np.uint8
    if mode != '1':
        assert np.array_equal(mask, LABELS)


@pytest.mark.parametrize('name', ['a.bmp', 'a.tif'])
def test_masks_of_other_formats(tmp_path, name):
    save_mask(tmp_path / name, 'L')
    assert np.array_equal(read_mask(tmp_path / name), LABELS)


@pytest.mark.parametrize('read', [read_image, read_mask])
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r'none\.png'):
        read(tmp_path / 'none.png')

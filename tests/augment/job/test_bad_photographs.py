"""Photographs and labels that cannot be used: each is one failed line with the cure, and the others are edited."""

import io
import json

import numpy as np
import pytest
from fake_studio import FakeStudio, planned, run
from PIL import Image

from augment.dataset.manifest import read_records
from augment.dataset.reading import read_image, read_label
from augment.errors import DataError
from augment.job.preview import show_preview

CLASSES = ('background', 'attached', 'broken')


def spoil(path, kind):
    """Replace a file by one that is wrong in a certain way."""
    with Image.open(path) as before:
        array = np.array(before)
    if kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'truncated':
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == 'text':
        path.write_text('no picture')
    elif kind == 'missing':
        path.unlink()
    elif kind == 'size':
        Image.fromarray(array[:-4]).save(path)
    elif kind == 'value':
        array[10, 10] = 7
        Image.fromarray(array).save(path)
    elif kind == 'colour':
        Image.fromarray(np.stack([array] * 3, -1)).save(path)
    elif kind == 'jpeg':
        content = io.BytesIO()
        Image.fromarray(array).save(content, 'JPEG')
        path.write_bytes(content.getvalue())


BAD = [
    ('img_dir', 'empty', 'train_001.png: an empty file; restore it'),
    ('img_dir', 'truncated', 'train_001.png: damaged'),
    ('img_dir', 'text', 'train_001.png: no image, or damaged'),
    ('ann_dir', 'truncated', 'train_001.png: damaged'),
    ('ann_dir', 'text', 'train_001.png: no image, or damaged'),
    ('ann_dir', 'missing', 'train_001.png: has no label; add ann_dir/train/train_001.png'),
    ('ann_dir', 'size', 'train_001.png: 80 x 60 pixels, but its image has 80 x 64'),
    ('ann_dir', 'value', r'label values [7] are none of 0..2 (background, blob1, blob2) and 255'),
    ('ann_dir', 'colour', 'no index mask (PNG, mode RGB)'),
    ('ann_dir', 'jpeg', 'no index mask (JPEG, mode L)'),
]


@pytest.mark.parametrize(('folder', 'kind', 'said'), BAD)
def test_the_others_are_edited_and_the_exit_code_says_so(data, capsys, folder, kind, said):
    spoil(data / folder / 'train/train_001.png', kind)
    assert run(FakeStudio(), '--word', 'peeling') == 3
    records = read_records(data.with_name('wta_512_peeling_trial'))
    assert [record['status'] for record in records.values()] == ['ok', 'failed', 'ok']
    assert said in records['train_001__peeling']['error']
    written = capsys.readouterr()
    assert f'failed: {records["train_001__peeling"]["error"]}' in written.err
    assert '2 ok, 0 rejected, 1 failed, 0 skipped' in written.out
    images = data.with_name('wta_512_peeling_trial') / 'img_dir/train'
    assert not list(images.glob('train_001*'))


def test_a_photograph_that_was_repaired_is_edited_by_the_next_run(data):
    label = data / 'ann_dir/train/train_001.png'
    content = label.read_bytes()
    spoil(label, 'value')
    assert run(FakeStudio(), '--word', 'peeling') == 3
    label.unlink()
    label.write_bytes(content)
    studio = FakeStudio()
    assert run(studio, '--word', 'peeling') == 0
    assert studio.stems == ['train_001']
    lines = (data.with_name('wta_512_peeling_trial') / 'manifest.jsonl').read_text().splitlines()
    assert [json.loads(line)['status'] for line in lines] == ['ok'] * 3


def test_a_failed_photograph_is_tried_again(data):
    def react(photo, words, rung, call):
        if call == 2:
            raise RuntimeError('CUDA error: an illegal memory access\nand more')

    studio = FakeStudio(react)
    assert run(studio, '--word', 'peeling') == 3
    record = read_records(data.with_name('wta_512_peeling_trial'))['train_001__peeling']
    assert record['error'] == 'RuntimeError: CUDA error: an illegal memory access'
    assert run(studio, '--word', 'peeling') == 0
    assert studio.stems[3:] == ['train_001']


def test_a_photograph_without_a_defect_is_skipped_and_counted(data, capsys):
    label = data / 'ann_dir/train/train_001.png'
    nothing = np.zeros((64, 80), np.uint8)
    nothing[:4] = 255
    Image.fromarray(nothing).save(label)
    studio = FakeStudio()
    assert run(studio, '--word', 'peeling') == 0
    assert studio.stems == ['train_000', 'train_002']
    assert '2 ok, 0 rejected, 0 failed, 1 skipped' in capsys.readouterr().out
    out = data.with_name('wta_512_peeling_trial')
    assert read_records(out)['train_001__peeling']['reason'] == 'its label has no defect'
    assert (out / 'img_dir/train/train_001.png').is_file()
    assert run(studio, '--word', 'peeling') == 0
    assert len(studio.stems) == 2


def test_label_values_without_names_are_taken_as_they_are(data, capsys):
    (data / 'meta.json').unlink()
    spoil(data / 'ann_dir/train/train_001.png', 'value')
    assert run(FakeStudio(), '--word', 'peeling') == 0
    assert 'no meta.json and no --classes' in capsys.readouterr().err
    assert run(FakeStudio(), '--word', 'rust', '--classes', *CLASSES) == 3


def test_the_values_of_the_labels_are_those_of_before(data):
    run(FakeStudio(), '--word', 'peeling')
    for path in (data / 'ann_dir/train').iterdir():
        edited = data.with_name('wta_512_peeling_trial') / f'ann_dir/train/{path.stem}__peeling.png'
        assert {*np.unique(Image.open(edited))} == {*np.unique(Image.open(path))}
        assert 255 in np.unique(Image.open(edited))


def test_a_photograph_is_read_upright_and_in_colour(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise
    Image.fromarray(grey).save(tmp_path / 'turned.png', exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / 'turned.png'), np.stack([np.rot90(grey, -1)] * 3, -1))
    Image.fromarray(np.dstack([grey] * 4)).save(tmp_path / 'alpha.png')
    assert read_image(tmp_path / 'alpha.png').shape == (3, 4, 3)


def test_sixteen_bits_are_refused(tmp_path):
    Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 999).save(tmp_path / 'deep.png')
    with pytest.raises(DataError, match='more than 8 bits a channel'):
        read_image(tmp_path / 'deep.png')


def test_labels_with_a_palette_or_of_one_bit_are_indices(tmp_path):
    indices = np.array([[0, 1], [1, 0]], np.uint8)
    palette = Image.fromarray(indices).convert('P')
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.save(tmp_path / 'palette.png')
    Image.fromarray(indices.astype(bool)).save(tmp_path / 'bit.png')
    for name in ('palette', 'bit'):
        label = read_label(tmp_path / f'{name}.png', (2, 2), CLASSES)
        np.testing.assert_array_equal(label, indices)
        assert label.dtype == np.uint8


def test_a_dry_run_reads_everything_and_writes_nothing(data, capsys):
    spoil(data / 'ann_dir/train/train_001.png', 'value')
    assert show_preview(planned('--word', 'peeling', 'rust')) == 3
    said = capsys.readouterr().out
    assert 'unusable: ' in said
    assert 'label values [7]' in said
    assert '3 photographs: 2 to edit, 0 without a defect' in said
    assert 'wta_512_rust: rust; 3 edits, 0 of them done' in said
    assert [path.name for path in data.parent.iterdir()] == ['wta_512']


def test_a_dry_run_knows_what_is_done(data, capsys):
    run(FakeStudio(), '--word', 'peeling', '--limit', '2')
    capsys.readouterr()
    assert show_preview(planned('--word', 'peeling', '--model', 'tiny-random')) == 0
    assert '3 edits, 2 of them done' in capsys.readouterr().out

"""Corrected labels on their way back: exact, all or nothing, and nothing that is not understood."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from defect_labels import noise
from PIL import Image

from augment import import_labels
from augment.errors import run_command_line
from augment.labels.importing import imported
from augment.labels.review import write_review

CLASSES, PALETTE = ('background', 'attached', 'broken'), ((0, 0, 0), (255, 0, 0), (0, 255, 0))
STEMS = ('t_1__rust', 't_2__rust', 'deep/t_1__rust')


def a_label(seed: int) -> np.ndarray:
    """Blotches of both classes and of 255, 30 x 40, with holes."""
    coarse = np.random.default_rng(seed).choice(np.array([0, 0, 0, 1, 2, 255], np.uint8), (10, 10))
    return coarse.repeat(3, 0).repeat(4, 1)


def save(path: Path, pixels: np.ndarray) -> None:
    """Write an image or mask with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def load(path: Path) -> np.ndarray:
    """A mask as it lies on disk."""
    return np.array(Image.open(path))


@pytest.fixture
def edits(tmp_path: Path) -> Path:
    """A set of three edits and an original, with its review folder."""
    root = tmp_path / 'set_rust'
    for number, stem in enumerate((*STEMS, 't_1')):
        label = a_label(number)
        save(root / f'img_dir/train/{stem}.png', noise((30, 40)))
        save(root / f'ann_dir/train/{stem}.png', label)
        if stem in STEMS:
            write_review(root / 'review', stem, noise((30, 40)), label, CLASSES, PALETTE)
    (root / 'meta.json').write_text(json.dumps({'classes': CLASSES, 'palette': PALETTE}))
    lines = [json.dumps({'id': stem, 'status': 'ok'}) + '\n' for stem in STEMS]
    (root / 'manifest.jsonl').write_text(''.join(lines))
    return root


@pytest.fixture
def run(monkeypatch, capsys):
    """The exit code of the command with these arguments, and what it said on both channels."""

    def command(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, 'argv', ['import_labels.py', *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            run_command_line(import_labels.main)
        said = capsys.readouterr()
        return end.value.code, said.out + said.err

    return command


def content_of(root: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


@pytest.mark.parametrize(
    'source', [None, 'review', 'review/labelme', 'review/coco.json', 'review/coco', 'review/masks']
)
def test_what_was_not_corrected_comes_back_byte_for_byte(edits, run, source):
    before, file = content_of(edits), (edits / 'ann_dir/train/t_1__rust.png').stat().st_ino
    code, said = run(edits, *([] if source is None else ['--from', edits / source]))
    assert code == 0
    assert '3 labels read' in said
    assert '0 changed, 3 as before' in said
    after = content_of(edits)
    del after['review/imported.jsonl']
    assert after == before
    assert (edits / 'ann_dir/train/t_1__rust.png').stat().st_ino == file, 'not even written again'
    assert imported(edits).keys() == set(STEMS)


@pytest.mark.parametrize('kind', ['labelme', 'coco.json', 'masks'])
def test_corrections_take_the_place_of_what_they_correct(edits, run, kind):
    corrected = {stem: a_label(number) for number, stem in enumerate(STEMS, start=50)}
    other = edits.parent / 'corrected'
    for stem, label in corrected.items():
        write_review(other, stem, noise((30, 40)), label, CLASSES, PALETTE)
    code, said = run(edits, '--from', other / kind)
    assert code == 0
    assert '3 changed, 0 as before' in said
    for stem, label in corrected.items():
        np.testing.assert_array_equal(load(edits / f'ann_dir/train/{stem}.png'), label)
    np.testing.assert_array_equal(load(edits / 'ann_dir/train/t_1.png'), a_label(3), err_msg='the original')


def test_says_what_changed_and_notes_it(edits, run):
    label = a_label(0)
    lost = int((label == 1).sum())
    label[label == 1] = 2
    save(edits.parent / 'one/t_1__rust.png', label)
    code, said = run(edits, '--from', edits.parent / 'one')
    assert code == 0
    assert f't_1__rust: {lost} pixels (attached {lost} -> 0, broken ' in said
    noted = imported(edits)['t_1__rust']
    assert noted['pixels_changed'] == lost
    assert noted['label_sha256'] != noted['label_sha256_before']
    assert run(edits)[0] == 0, 'again, from labelme: as it was'
    assert imported(edits)['t_1__rust']['label_sha256'] == noted['label_sha256_before']
    assert len((edits / 'review/imported.jsonl').read_text().splitlines()) == 4


def test_dry_run_writes_nothing(edits, run):
    save(edits.parent / 'one/t_1__rust.png', a_label(9))
    before = content_of(edits)
    code, said = run(edits, '--from', edits.parent / 'one', '--dry-run')
    assert (code, content_of(edits)) == (0, before)
    assert 't_1__rust: ' in said
    assert 'nothing written' in said


def test_a_link_to_the_original_set_is_cut_not_followed(edits, run):
    linked = edits.parent / 'elsewhere.png'
    os.link(edits / 'ann_dir/train/t_2__rust.png', linked)
    save(edits.parent / 'one/t_2__rust.png', a_label(9))
    assert run(edits, '--from', edits.parent / 'one')[0] == 0
    np.testing.assert_array_equal(load(linked), a_label(1))
    np.testing.assert_array_equal(load(edits / 'ann_dir/train/t_2__rust.png'), a_label(9))


def test_folders_that_tools_add_or_drop(edits, run):
    for name in ('SegmentationClass/deep/t_1__rust', 'SegmentationClass/t_2__rust'):
        save(edits.parent / f'export/{name}.png', a_label(9))
    assert run(edits, '--from', edits.parent / 'export')[0] == 0
    np.testing.assert_array_equal(load(edits / 'ann_dir/train/deep/t_1__rust.png'), a_label(9))
    np.testing.assert_array_equal(load(edits / 'ann_dir/train/t_1__rust.png'), a_label(0))


def test_an_indexed_png_counts_by_its_indices(edits, run):
    image = Image.fromarray(a_label(9)).convert('P')
    image.putpalette([9, 9, 9] * 256)
    image.putdata(a_label(9).ravel().tolist())
    (edits.parent / 'one').mkdir()
    image.save(edits.parent / 'one/t_1__rust.png')
    assert run(edits, '--from', edits.parent / 'one')[0] == 0
    np.testing.assert_array_equal(load(edits / 'ann_dir/train/t_1__rust.png'), a_label(9))


def test_names_of_the_review_folder_where_the_set_has_none(edits, run):
    (edits / 'meta.json').unlink()
    assert run(edits)[0] == 0
    (edits / 'review/labels.txt').unlink()
    code, said = run(edits)
    assert code == 2
    assert 'no class names; write them into' in said


def labelme(**changes: object) -> str:
    """A labelme file of the right size with a box of a class."""
    box = {'label': 'broken', 'shape_type': 'rectangle', 'points': [[1, 1], [4, 4]]} | changes
    return json.dumps({'imageHeight': 30, 'imageWidth': 40, 'shapes': [box]})


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('t_1__rust.png', np.zeros((40, 30), np.uint8), '30 x 40 pixels, but t_1__rust has 40 x 30'),
        ('t_1__rust.png', np.full((30, 40), 3, np.uint8), 'value 3 in it; known are 0 to 2, and 255'),
        ('t_1__rust.png', np.zeros((30, 40, 3), np.uint8), 'RGB image; a mask has one channel'),
        ('t_1__rust.png', np.zeros((30, 40), bool), '1 image; a mask has one channel'),
        ('t_1__rust.png', b'\x89PNG broken', 'cannot be read as an image'),
        ('t_1__rusty.png', np.zeros((30, 40), np.uint8), 't_1__rusty.png in the set; is it t_1__rust?'),
        ('t_1.png', np.zeros((30, 40), np.uint8), 't_1 is no edit but an original'),
        ('t_1__rust.json', labelme(label='rust'), "shape 1 is called 'rust'; known: background"),
        ('t_1__rust.json', labelme(shape_type='point', points=[[1, 1]]), 'has no area'),
        ('t_1__rust.json', labelme()[:-20], 'cannot be read as JSON'),
        ('t_1__rust.json', b'\xff\xfe\x00', 'cannot be read as JSON'),
        ('t_1__rust.json', '[1, 2]', 'neither a labelme file'),
        ('t_1__rust.json', labelme().replace('"imageHeight": 30', '"imageHeight": 31'), '40 x 31 pixels, but'),
        ('c.json', json.dumps({'images': [], 'annotations': 1, 'categories': []}), 'damaged COCO file'),
    ],
)  # fmt: skip
def test_one_bad_correction_and_nothing_is_written(edits, run, name, content, message):
    folder = edits.parent / 'bad'
    good = a_label(9)
    if name.endswith('.json'):
        write_review(folder / 'pack', 't_2__rust', noise((30, 40)), good, CLASSES, PALETTE)
        (folder / 'pack/labelme/t_2__rust.json').rename(folder / 't_2__rust.json')
        for path in (folder / 'pack').rglob('*.json'):
            path.unlink()
    else:
        save(folder / 't_2__rust.png', good)
    if isinstance(content, np.ndarray):
        save(folder / name, content)
    else:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = content_of(edits)
    code, said = run(edits, '--from', folder)
    assert code == 3
    assert 'nothing imported' in said
    assert str(folder / name) in said
    assert message in said
    assert content_of(edits) == before


def test_two_labels_for_one_edit(edits, run):
    for name in ('x/t_2__rust', 'y/t_2__rust'):
        save(edits.parent / f'two/{name}.png', a_label(9))
    code, said = run(edits, '--from', edits.parent / 'two')
    assert code == 3
    assert 'a second label for t_2__rust, besides' in said


def test_a_name_that_may_mean_two(edits, run):
    for folder in ('p', 'q'):
        save(edits / f'ann_dir/train/{folder}/same__rust.png', a_label(9))
    (edits / 'manifest.jsonl').unlink()
    save(edits.parent / 'one/same__rust.png', a_label(9))
    code, said = run(edits, '--from', edits.parent / 'one')
    assert code == 3
    assert 'same__rust may be p/same__rust or q/same__rust' in said


def test_many_problems_are_not_all_told(edits, run):
    for number in range(30):
        save(edits.parent / f'many/unknown_{number:02}.png', a_label(9))
    code, said = run(edits, '--from', edits.parent / 'many')
    assert code == 3
    assert said.count('no ann_dir/train/') == 20
    assert '… and 10 more' in said


@pytest.mark.parametrize('source', ['nowhere', 'empty'])
def test_nothing_to_import(edits, run, source):
    (edits.parent / 'empty').mkdir()
    code, said = run(edits, '--from', edits.parent / source)
    assert code == 2
    assert 'nothing to import' in said


def test_no_set_of_edits(tmp_path, run):
    code, said = run(tmp_path / 'nowhere')
    assert code == 2
    assert 'no such data set' in said


def test_an_image_that_coco_lists_without_annotations_has_no_defect(edits, run):
    content = json.loads((edits / 'review/coco.json').read_text())
    content['annotations'] = []
    (edits.parent / 'none.json').write_text(json.dumps(content))
    assert run(edits, '--from', edits.parent / 'none.json')[0] == 0
    assert not load(edits / 'ann_dir/train/t_1__rust.png').any()


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_that_cannot_be_written(edits, run):
    save(edits.parent / 'one/t_1__rust.png', a_label(9))
    (edits / 'ann_dir/train').chmod(0o500)
    code, said = run(edits, '--from', edits.parent / 'one')
    (edits / 'ann_dir/train').chmod(0o700)
    assert code == 2
    assert 'cannot write' in said


def test_full_disk(edits, run, monkeypatch):
    from augment.labels import importing

    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(importing, 'write_png', full)
    save(edits.parent / 'one/t_1__rust.png', a_label(9))
    code, said = run(edits, '--from', edits.parent / 'one')
    assert code == 2
    assert 'No space left on device' in said
    assert not (edits / 'review/imported.jsonl').exists()


def test_by_its_path_from_anywhere(edits, tmp_path):
    script = Path(import_labels.__file__)
    done = subprocess.run(
        [sys.executable, script, edits], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert '0 changed, 3 as before' in done.stdout

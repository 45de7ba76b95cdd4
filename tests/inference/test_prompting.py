"""Prompts from files: who is asked by which, what is shown of them, and all ways in which they can be unusable."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from colour_finder import SIZE, ColourFinder, make_finder_run, write_pair
from mmengine.dataset import Compose
from untrained_run import WEIGHTS

from mmseg_ext.errors import DataError, UsageError
from mmseg_ext.inference import Predictor, PromptFolder, Prompting, Tiling
from mmseg_ext.inference.defect_labels import meant
from mmseg_ext.inference.images import NamedImage
from mmseg_ext.inference.iou_table import IouTable, defect_iou
from mmseg_ext.inference.prompt_folder import read_prompt
from mmseg_ext.inference.prompting import Prompter, find_prompter
from mmseg_ext.models.seggpt.prompts import Prompts

CORNER = (2, 3, 20, 20)  # in the first of four tiles
MIDDLE = (22, 30, 20, 20)  # in all four


@pytest.fixture
def folder(tmp_path) -> Path:
    """Prompts ``a`` (red) and ``b`` (blue), and a query ``q`` with both."""
    write_pair(tmp_path / 'prompts', 'a', red=CORNER)
    write_pair(tmp_path / 'prompts', 'b', white=1, blue=MIDDLE)
    write_pair(tmp_path, 'q', red=(10, 10, 8, 30), blue=(40, 50, 15, 15))
    return tmp_path


def found_in(folder: Path, mapping: dict | None = None, top_k: int | None = None) -> PromptFolder:
    path = None
    if mapping is not None:
        path = folder / 'mapping.json'
        path.write_text(json.dumps(mapping))
    return PromptFolder.find(folder / 'prompts/images', folder / 'prompts/labels', path, top_k)


def stems(prompts: PromptFolder, query: str) -> list[str]:
    pairs = prompts.of(query)
    assert all(pair.image.stem == pair.label.stem for pair in pairs)
    return [pair.image.stem for pair in pairs]


def test_who_is_asked_by_which(folder):
    assert stems(found_in(folder), 'any.png') == ['a']
    assert stems(found_in(folder, top_k=2), 'any.png') == ['a', 'b']
    mapping = {'q.png': ['b.png', 'a.jpg'], 'deep/r.jpg': ['a']}
    assert stems(found_in(folder, mapping), 'some/where/q.png') == ['b', 'a']
    assert stems(found_in(folder, mapping, 1), Path('q.png')) == ['b']
    assert stems(found_in(folder, mapping), 'r.tif') == ['a']
    with pytest.raises(DataError, match=r'qq.png: the mapping names no prompts for it \(near: q'):
        found_in(folder, mapping).of('qq.png')
    with pytest.raises(UsageError, match='an array has none; give the path'):
        found_in(folder, mapping).of(np.zeros((2, 2, 3), np.uint8))


@pytest.mark.parametrize(
    ('mapping', 'said'),
    [
        ([], 'no mapping; a mapping is'),
        ({}, 'no mapping; a mapping is'),
        (['a.png'], 'no mapping; a mapping is'),
        ({'q.png': 'a.png'}, '"q.png" is mapped to'),
        ({'q.png': []}, '"q.png" is mapped to'),
    ],
)
def test_no_mapping(folder, mapping, said):
    with pytest.raises(UsageError, match=said):
        found_in(folder, mapping)


def test_a_mapping_of_files_that_are_not_there_names_them_all(folder):
    with pytest.raises(DataError) as error:
        found_in(folder, {'q.png': ['a.png', 'bb.png'], 'r.png': ['x.png', 'bb.png']})
    first, second = str(error.value).splitlines()
    assert 'no prompt "bb.png" in' in first
    assert '(near: b)' in first
    assert 'no prompt "x.png" in' in second
    with pytest.raises(UsageError, match='no such mapping'):
        PromptFolder.find(folder / 'prompts/images', folder / 'prompts/labels', folder / 'none.json')


@pytest.mark.parametrize(
    ('name', 'found'),
    [
        ('a.png', 'a'),
        ('photos/a.JPG', 'a'),
        ('/photos/left/b.png', 'left/b'),
        ('photos/right/b.png', 'right/b'),
        ('middle/b.png', None),  # which one?
        ('c', 'left/c'),
        ('up/c.png', 'left/c'),
        ('a.dat', None),
    ],
)
def test_what_a_name_means(name, found):
    assert meant(name, ['a', 'left/b', 'right/b', 'left/c']) == found


def test_folders_that_cannot_be_used(folder):
    with pytest.raises(UsageError, match='top_k 3: there are 2 prompts'):
        found_in(folder, top_k=3)
    (folder / 'prompts/labels/a.png').unlink()
    with pytest.raises(DataError, match=r'images/a.png: a prompt without a label in .*labels; put one there'):
        found_in(folder)
    with pytest.raises(DataError, match='none: no such folder; correct the folder'):
        PromptFolder.find(folder / 'none', folder / 'prompts/labels')


def test_a_label_is_what_is_not_zero(folder):
    pairs = found_in(folder, top_k=2).of('q')
    for pair, (top, left, height, width) in zip(pairs, (CORNER, MIDDLE), strict=True):
        image, label = read_prompt(pair)
        expected = np.zeros(SIZE, np.uint8)
        expected[top : top + height, left : left + width] = 1
        np.testing.assert_array_equal(label, expected)
        assert image.shape == (*SIZE, 3)


def rewritten(folder: Path, label: np.ndarray, suffix: str = '.png'):
    """The first prompt with another label."""
    (folder / 'prompts/labels/a.png').unlink()
    cv2.imwrite(str(folder / f'prompts/labels/a{suffix}'), label)
    (pair,) = found_in(folder).of('q')
    return pair


@pytest.mark.parametrize(
    ('label', 'suffix', 'said'),
    [
        (np.full(SIZE, 255, np.uint8), '.jpg', 'a.jpg: JPEG blurs what belongs to the defect; write it as PNG'),
        (np.zeros(SIZE, np.uint8), '.png', 'it marks nothing, and a prompt says what to look for'),
        (np.ones((64, 81), np.uint8), '.png', 'the label is 64 x 81 and its image 64 x 80'),
        (np.ones((*SIZE, 3), np.uint8), '.png', 'the label is 64 x 80 x 3 and its image 64 x 80'),
        (np.arange(64 * 80).reshape(SIZE).astype(np.uint8), '.png', 'values 0, 1, 2, 3, 4 …; one kind of defect'),
    ],
)
def test_labels_that_cannot_be_used(folder, label, suffix, said):
    with pytest.raises(DataError, match=said):
        read_prompt(rewritten(folder, label, suffix))


def test_files_that_are_no_images(folder):
    (pair,) = found_in(folder).of('q')
    pair.label.write_text('no image')
    with pytest.raises(DataError, match=r'labels/a.png: cannot be read as a label'):
        read_prompt(pair)
    pair.image.write_text('no image')
    with pytest.raises(DataError, match=r'images/a.png: cannot be decoded as an image'):
        read_prompt(pair)


def shown(folder: Path, **options) -> list[tuple[int, int]]:
    """The sizes of the images that a model is shown."""
    model = ColourFinder()
    Prompter(model, Prompting(found_in(folder, top_k=2), **options)).show('q.png')
    (made,) = model.made
    return made


def test_which_parts_of_prompts_are_shown(folder):
    assert shown(folder) == [SIZE] * 2
    assert shown(folder, split=2) == [(32, 40)] * (1 + 4)
    assert shown(folder, split=2, prompt_tiles='all') == [(32, 40)] * 8
    assert shown(folder, split=2, prompt_tiles='whole') == [SIZE] * 2
    assert shown(folder, split=2, stitch=True) == [(37, 46)] * (1 + 4)


def test_a_defect_that_the_network_would_not_see(folder):
    label = np.zeros(SIZE, np.uint8)
    label[0, 0] = 1  # half the height, 2.5 times the width: the network of 32 px looks at the second pixel
    rewritten(folder, label)
    with pytest.raises(DataError, match=r'nothing is left of its defect at the 32 x 32 px .* --split 2'):
        shown(folder)
    label[1, 1] = 1
    rewritten(folder, label)
    assert shown(folder) == [SIZE] * 2


def test_prompts_are_prepared_once(folder):
    prompts = found_in(folder, {'q': ['a'], 'r': ['b'], 's': ['a']})
    model = ColourFinder()
    prompter, colours = Prompter(model, Prompting(prompts)), []
    for query in ('q', 'q', 'r', 's'):
        prompter.show(query)
        colours.append(model.prompts.images.flatten().argmax().item())
    assert colours == [2, 2, 0, 2]  # the channel of red and of blue
    assert len(model.made) == 2


def test_a_file_of_prompts_is_shown_at_once(tmp_path):
    pytest.importorskip('safetensors')
    model, image = ColourFinder(), torch.rand(1, 3, 4, 4)
    prompts = Prompts(image, image, torch.zeros(2, 3), torch.zeros(3), torch.ones(3))
    prompts.save(tmp_path / 'prompt.safetensors')
    Prompter(model, Prompting(tmp_path / 'prompt.safetensors')).show('q.png')
    torch.testing.assert_close(model.prompts.images, image, atol=1e-3, rtol=0)


def test_who_needs_prompts(folder):
    model = ColourFinder()
    assert find_prompter(torch.nn.Linear(1, 1), None) is None
    with pytest.raises(UsageError, match='Linear takes no prompts; leave out the options'):
        find_prompter(torch.nn.Linear(1, 1), Prompting(found_in(folder)))
    for nothing in (None, Prompting(split=2)):
        with pytest.raises(UsageError, match='is asked by example and has none; give --prompt-img-dir'):
            find_prompter(model, nothing)
    model.learnable = object()
    assert find_prompter(model, None)
    assert model.test_cfg == {}
    find_prompter(model, Prompting(found_in(folder), gate=0.2))
    assert model.test_cfg == dict(gate=0.2)


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(gate=2.0), 'gate 2.0: expected a score'),
        (dict(gate=0.5, prompts=Path('p.safetensors')), 'gate 0.5: a learnt prompt shows no mask'),
    ],
)
def test_options_that_do_not_go_together(options, said):
    with pytest.raises(UsageError, match=said):
        Prompting(**options)


@pytest.fixture
def finder(project, tmp_path) -> Path:
    return make_finder_run(project, tmp_path / 'run')


def predictor(run: Path, prompting: Prompting, **options) -> Predictor:
    return Predictor(run / 'train/config.py', run / WEIGHTS, 'cpu', prompting=prompting, **options)


def test_each_query_is_asked_by_its_own_prompts(folder, finder):
    query = folder / 'images/q.png'
    twin = folder / 'images/r.png'
    twin.write_bytes(query.read_bytes())
    prompting = Prompting(found_in(folder, {'q.png': ['a.png'], 'r.png': ['b.png']}))
    red, blue = (each.mask for each in predictor(finder, prompting).predict_many([query, twin]))
    expected = np.zeros((2, *SIZE), np.uint8)
    expected[0, 10:18, 10:40] = expected[1, 40:55, 50:65] = 1
    np.testing.assert_array_equal(np.stack([red, blue]), expected)
    failures = []
    unknown = folder / 'images/s.png'
    unknown.write_bytes(query.read_bytes())
    model = predictor(finder, prompting)
    masks = list(model.predict_many([unknown, query], on_error=lambda source, _: failures.append(source)))
    assert len(masks) == 1
    assert failures == [unknown]


@pytest.mark.parametrize(('stitch', 'tile'), [(False, (32, 40)), (True, (37, 46))])
def test_the_image_is_seen_in_tiles(folder, finder, stitch, tile):
    query, prompts = folder / 'images/q.png', found_in(folder)
    whole, _ = predictor(finder, Prompting(prompts)).predict(query)
    model = predictor(finder, Prompting(prompts, split=2, stitch=stitch))
    mask, scores = model.predict(query)
    assert model.model.seen == [tile] * 4
    assert whole.any()
    np.testing.assert_array_equal(mask, whole)
    assert scores.shape == (2, *SIZE)


def test_a_split_image_must_not_be_resized_before(folder, finder):
    model = predictor(finder, Prompting(found_in(folder), split=2))
    model.reader.rest = Compose([dict(type='Resize', scale=(40, 32)), dict(type='PackSegInputs')])
    with pytest.raises(DataError, match=r'split 2: the test pipeline resizes images from \(64, 80\) to \(32, '):
        model.predict(folder / 'images/q.png')


def test_iou_by_hand(tmp_path):
    one, other = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    one[0, :3] = other[0, 1:] = True
    assert defect_iou(one, other) == 0.5
    assert np.isnan(defect_iou(one & False, one & False))
    assert defect_iou(one, one & False) == 0


def test_a_table_of_ious(tmp_path):
    images = []
    for name, box in (('a', (0, 0, 10, 10)), ('b', (5, 5, 10, 10)), ('c', (0, 0, 0, 0))):
        images.append(NamedImage(write_pair(tmp_path, name, red=box), name))
    table = IouTable(tmp_path / 'labels', images)
    mask = np.zeros(SIZE, np.uint8)
    mask[:10, :5] = 2
    for image, found in zip(images, (mask, mask, mask * 0), strict=True):
        table.add(image, found)
    table.write(tmp_path / 'iou.txt')
    assert (tmp_path / 'iou.txt').read_text() == 'a 0.5000\nb 0.0000\nc nan\nmean 0.2500\n'
    with pytest.raises(DataError, match='the label is 64 x 80 and its image 2 x 2'):
        table.add(images[0], mask[:2, :2])
    missing = [NamedImage(Path(f'{name}.png'), name) for name in 'axy']
    with pytest.raises(DataError) as error:
        IouTable(tmp_path / 'labels', missing)
    assert [line.split()[0] for line in str(error.value).splitlines()] == ['x.png:', 'y.png:']


def test_tiles_of_other_models_are_as_before(make_run, folder):
    run = make_run()
    model = Predictor(run / 'train/config.py', run / WEIGHTS, 'cpu', Tiling('none'))
    assert model.prompter is None
    assert model.predict(folder / 'images/q.png')[0].shape == SIZE

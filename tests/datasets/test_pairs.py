"""Images and masks find each other by stem, and nothing that does not is passed over in silence."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_ext.datasets.pairs import IMAGE_SUFFIXES, match_pairs, stem_of
from mmseg_ext.datasets.problems import Problem, group, summarise

STEMS = st.text('abXY.-_é0 ', min_size=1, max_size=8).filter(lambda stem: not stem.startswith('.'))


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def texts(matching) -> list[str]:
    return [str(problem) for problem in matching.problems]


@given(stem=STEMS, suffix=st.sampled_from(IMAGE_SUFFIXES), upper=st.booleans())
def test_any_suffix_in_any_case_is_taken_off(stem, suffix, upper):
    name = stem + (suffix.upper() if upper else suffix)
    assert stem_of(name, IMAGE_SUFFIXES) == unicodedata.normalize('NFC', stem)


@given(name=STEMS.filter(lambda stem: not stem.lower().endswith(IMAGE_SUFFIXES)))
def test_other_files_have_no_stem(name):
    assert stem_of(name, IMAGE_SUFFIXES) is None


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_file_is_in_a_pair_or_in_a_problem(data, tmp_path_factory):
    root = tmp_path_factory.mktemp('pairs')
    names = st.sets(st.sampled_from([f'{stem}{suffix}' for stem in 'abcd' for suffix in ('.png', '.JPG', '.tif')]))
    files = {side: data.draw(names, side) for side in ('images', 'masks')}
    for side, chosen in files.items():
        (root / side).mkdir()
        touch(root / side, *chosen)
    matching = match_pairs(root / 'images', root / 'masks')
    stems = {side: {Path(name).stem for name in chosen} for side, chosen in files.items()}
    both = stems['images'] & stems['masks']
    assert [pair.stem for pair in matching.pairs] == sorted(both)
    assert all(Path(pair.image).stem == Path(pair.mask).stem == pair.stem for pair in matching.pairs)
    doubles = sum(len(files[side]) - len(stems[side]) for side in files)
    orphans = len(stems['images'] ^ stems['masks']) if all(files.values()) else 0
    empty = sum(not chosen for chosen in files.values())
    assert len(matching.problems) == doubles + orphans + empty


def test_sub_folders_suffixes_and_spellings_differ_and_still_match(tmp_path):
    images = touch(tmp_path / 'i', 'a/x.JPG', 'b/x.jpeg', 'été.tiff', 'notes.txt', '.hidden.png', '.git/y.png')
    masks = touch(tmp_path / 'm', 'a/x.png', 'b/x.BMP', unicodedata.normalize('NFD', 'été') + '.tif')
    matching = match_pairs(images, masks)
    assert not matching.problems
    assert [pair.stem for pair in matching.pairs] == ['a/x', 'b/x', 'été']


def test_orphans_name_the_file_and_where_the_partner_was_sought(tmp_path):
    images, masks = touch(tmp_path / 'i', 'a.png', 'b.png'), touch(tmp_path / 'm', 'b.png', 'c.png')
    assert texts(match_pairs(images, masks)) == [
        f'{images}/a.png: image without mask; put the mask of the same stem into {masks}, or remove it',
        f'{masks}/c.png: mask without image; put the image of the same stem into {images}, or remove it',
    ]


def test_two_images_of_one_stem(tmp_path):
    images, masks = touch(tmp_path / 'i', 'a.jpg', 'a.png'), touch(tmp_path / 'm', 'a.png')
    (text,) = texts(match_pairs(images, masks))
    assert text == f'{images}/a.png: a second file of the stem "a", besides a.jpg; keep one file a stem'


@pytest.mark.parametrize(('there', 'missing'), [('images', 'masks'), ('masks', 'images')])
def test_a_missing_and_an_empty_folder_are_one_problem_each(tmp_path, there, missing):
    touch(tmp_path / there, 'a.png', 'b.png')
    (text,) = texts(match_pairs(tmp_path / 'images', tmp_path / 'masks'))
    assert text.startswith(f'{tmp_path / missing}: no such folder; get the set as data/README.md says')
    touch(tmp_path / missing, 'readme.txt')
    (text,) = texts(match_pairs(tmp_path / 'images', tmp_path / 'masks'))
    assert text.startswith(f'{tmp_path / missing}: no .png .jpg .jpeg .bmp .tif .tiff file in it')


def test_without_mask_folder_no_mask_is_looked_for(tmp_path):
    matching = match_pairs(touch(tmp_path / 'i', 'a.png'), None)
    assert not matching.problems
    assert matching.pairs == [('a', str(tmp_path / 'i' / 'a.png'), None)]


def test_one_folder_for_both_needs_suffixes_that_tell_them_apart(tmp_path):
    folder = touch(tmp_path, 'a.jpg', 'a_mask.png')
    (text,) = texts(match_pairs(folder, folder))
    assert 'the folder of the images and of the masks' in text
    matching = match_pairs(folder, folder, '.jpg', '_mask.png')
    assert [pair.stem for pair in matching.pairs] == ['a']
    assert not matching.problems


def test_a_list_narrows_the_set_and_may_not_name_what_is_not_there(tmp_path):
    images, masks = (
        touch(tmp_path / 'i', 'scene_1.png', 'b.png', 'c.png'),
        touch(tmp_path / 'm', 'scene_1.png', 'x.png'),
    )
    matching = match_pairs(images, masks, stems=['scene_1', 'c', 'scene_2'])
    assert [pair.stem for pair in matching.pairs] == ['scene_1']
    unknown, orphan = texts(matching)  # b and x are not listed, so nobody misses their partners
    assert unknown == (
        f'{images}: no image of the listed stem "scene_2"; '
        'a list file holds one stem a line, without suffix (near it: "scene_1")'
    )
    assert orphan.startswith(f'{images}/c.png: image without mask')


def test_a_list_without_any_mask_is_not_an_empty_clean_set(tmp_path):
    matching = match_pairs(touch(tmp_path / 'i', 'a.png', 'b.png'), touch(tmp_path / 'm', 'b.png'), stems=['a'])
    assert 'image without mask' in texts(matching)[0]


def test_a_summary_groups_by_cure_counts_and_shows_the_first_paths():
    many = [Problem(f'{k}.png', f'value {k}', f'write 0..{k}') for k in range(5)]
    assert [len(kind) for kind in group([*many, Problem('x', 'bad', 'mend it')])] == [5, 1]
    assert summarise([Problem('x', 'bad', 'mend it')]) == 'x: bad; mend it'
    first, second, third = summarise([*many, Problem('x', 'bad', 'mend it')]).splitlines()
    assert first == '6 problems of 2 kinds'
    assert second == '  5 files: value 0 (the first): 0.png, 1.png, 2.png and 2 more; write 0..0'
    assert third == '  x: bad; mend it'

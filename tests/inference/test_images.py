"""Which images a command line names, and what their outputs are called."""

import pytest

from mmseg_ext.errors import UsageError
from mmseg_ext.inference.images import find_images


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ('photos/left/a.jpg', 'photos/right/a.JPG', 'photos/right/b.tif', 'photos/notes.txt', 'c.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / 'photos/.hidden.png').touch()
    (tmp_path / 'photos/.cache').mkdir()
    (tmp_path / 'photos/.cache/x.png').touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments, out='out') -> dict[str, str]:
    return {str(image.path): image.name for image in find_images(arguments, out)}


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['c.png'], {'c.png': 'c'}),
        (['photos/left'], {'photos/left/a.jpg': 'a'}),
        (
            ['photos'],
            {'photos/left/a.jpg': 'left/a', 'photos/right/a.JPG': 'right/a', 'photos/right/b.tif': 'right/b'},
        ),
        (
            ['photos/left/a.jpg', 'photos/right/a.JPG'],
            {'photos/left/a.jpg': 'left/a', 'photos/right/a.JPG': 'right/a'},
        ),
        (['photos/*/a.*'], {'photos/left/a.jpg': 'left/a', 'photos/right/a.JPG': 'right/a'}),
        (['photos/**/*.tif', 'c.png'], {'photos/right/b.tif': 'photos/right/b', 'c.png': 'c'}),
        (['photos/right', 'photos/right/b.tif'], {'photos/right/a.JPG': 'a', 'photos/right/b.tif': 'b'}),
    ],
)
def test_names_keep_the_folders_that_differ(tree, arguments, expected):
    assert {str(image.path): image.name for image in find_images(arguments, 'out')} == expected


def test_one_stem_twice_keeps_the_suffix(tree):
    (tree / 'photos/left/a.png').touch()
    assert names('photos/left') == {'photos/left/a.jpg': 'a.jpg', 'photos/left/a.png': 'a.png'}
    (tree / 'photos/left/a.jpg.bmp').touch()
    assert set(names('photos/left').values()) == {'a.jpg', 'a.png', 'a.jpg.bmp'}


def test_a_name_with_a_dot_is_no_suffix(tree):
    (tree / 'c.1.png').touch()
    assert names('c.png', 'c.1.png') == {'c.png': 'c', 'c.1.png': 'c.1'}


def test_earlier_results_are_no_images(tree):
    (tree / 'photos/out/masks').mkdir(parents=True)
    (tree / 'photos/out/masks/a.png').touch()
    assert len(names('photos', out='photos/out')) == 3
    assert len(names('photos', out='elsewhere')) == 4


def test_everything_wrong_is_said_at_once(tree):
    (tree / 'empty').mkdir()
    with pytest.raises(UsageError) as caught:
        find_images(['c.png', 'none.png', 'photos/*.bmp', 'empty'], 'out')
    lines = str(caught.value).splitlines()
    assert [line.strip().partition(':')[0] for line in lines] == ['none.png', 'photos/*.bmp', 'empty']
    for line, said in zip(lines, ('no such image or folder', 'no image matches', 'no image in it'), strict=True):
        assert said in line

"""tools/browse_dataset.py as its user meets it: pictures, table, and one line for whatever stops it."""

from pathlib import Path

import cv2
import pytest
from tiny_project import make_project
from tool_runner import run_tool

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    return made


def run(*arguments) -> int:
    return run_tool('browse_dataset', *arguments)


def pictures(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.rglob('*.png'))}


def test_pictures_table_and_facts(project, capsys):
    assert run(project.recipe, '--count', 4, '--samples', 6, '--raw') == 0
    out = capsys.readouterr().out
    folder = Path('work_dirs/browse/tiny-train')
    files = pictures(folder)
    assert len(files) == 5
    assert [name[:3] for name in files if name != 'sheet.png'] == ['000', '001', '002', '003']
    assert cv2.imread(str(folder / 'sheet.png')).std() > 5
    for said in ('train: 6 samples', '0 background', '2 blob2', 'ms a sample', 'deviation', str(folder)):
        assert said in out


def test_a_seed_draws_the_same_pictures_again_and_another_does_not(project):
    for name, seed in (('a', 3), ('b', 3), ('c', 4)):
        assert run(project.recipe, '--count', 4, '--samples', 1, '--seed', seed, '--out', name) == 0
    assert pictures(Path('a')) == pictures(Path('b'))
    assert pictures(Path('a'))['sheet.png'] != pictures(Path('c'))['sheet.png']


def test_pictures_of_an_earlier_call_go_and_other_files_stay(project):
    assert run(project.recipe, '--split', 'test', '--count', 3, '--out', 'look') == 0
    Path('look/samples/notes.png').write_bytes(b'mine')
    assert run(project.recipe, '--split', 'test', '--count', 1, '--out', 'look') == 0
    assert list(pictures(Path('look/samples'))) == ['000_test_000.png', 'notes.png']


@pytest.mark.parametrize(
    ('arguments', 'code', 'said'),
    [
        (['--cfg-options', 'train_dataloader.dataset.data_root=nowhere'], 3, 'nowhere'),
        (['--swap', 'datasets=mien'], 2, 'did you mean mine'),
        (['--count', '0'], 2, '0 is not a positive number'),
    ],
)
def test_what_is_wrong_is_said(project, capsys, arguments, code, said):
    assert run(project.recipe, *arguments) == code
    assert said in capsys.readouterr().err.replace('\n', ' ')


def test_a_data_set_alone_is_no_recipe(project, capsys):
    assert run(project.root / 'configs/_base_/datasets/mine.py') == 2
    assert 'give a recipe' in capsys.readouterr().err

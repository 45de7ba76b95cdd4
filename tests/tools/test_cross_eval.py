"""tools/cross_eval.py as its user meets it: matrices, files, and one line for what cannot be."""

import csv
import runpy
import shutil
import time

import pytest
from cross_runs import add_run, make_sets
from tool_runner import ROOT, run_tool

NAMES = [
    'cross_eval.csv',
    'cross_eval.html',
    'cross_eval.md',
    'cross_eval_ODS_macro-0px.png',
    'cross_eval_mIoU_fg.png',
]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A project folder with a run on each of two sets."""
    project = make_sets(tmp_path_factory.mktemp('sets'))
    for name in ('mine', 'other'):
        add_run(project, name, project.root / f'work_dirs/cracks/exp/tiny/{name}')
    return project


@pytest.fixture
def project(made, monkeypatch):
    monkeypatch.chdir(made.root)
    return made


def test_a_project_on_all_its_sets_and_once_more(project, capsys):
    assert run_tool('cross_eval', 'work_dirs/cracks') == 0
    first = capsys.readouterr().out
    assert '1/4 work_dirs/cracks/exp/tiny/mine on mine\n' in first
    assert '4/4 work_dirs/cracks/exp/tiny/other on other, about ' in first
    folder = project.root / 'work_dirs/cross_eval'
    assert sorted(file.name for file in folder.iterdir()) == NAMES
    text = (folder / 'cross_eval.md').read_text()
    assert text in first
    assert text.count('| trained on ↓, tested on → | mine | other |') == 2
    with (folder / 'cross_eval.csv').open(newline='') as file:
        assert {(line['trained_on'], line['tested_on']) for line in csv.DictReader(file)} == {
            (one, other) for one in ('mine', 'other') for other in ('mine', 'other')
        }
    assert run_tool('cross_eval', 'work_dirs/cracks', '--metrics', 'OIS', '--out', 'again') == 0
    again = capsys.readouterr().out
    assert again.startswith('## OIS (macro, 0 px)\n')
    assert '1/4' not in again
    assert again.endswith('again/cross_eval.csv\nagain/cross_eval_OIS_macro-0px.png\n')


def test_the_time_left_goes_on_at_the_pace_so_far(capsys, monkeypatch):
    teller = runpy.run_path(str(ROOT / 'tools/cross_eval.py'))['Teller']()
    monkeypatch.setattr(time, 'monotonic', lambda: teller.start + 10)
    teller(0, 5, 'a on b')
    teller(2, 5, 'c on d')
    assert capsys.readouterr().out == '1/5 a on b\n3/5 c on d, about 15 s left\n'


def test_one_run_on_a_set_by_name(project, capsys):
    run = 'work_dirs/cracks/exp/tiny/mine'
    assert run_tool('cross_eval', run, '--datasets', 'other', '--split', 'val', '--out', 'one') == 0
    assert '| trained on ↓, tested on → | other |' in capsys.readouterr().out
    assert (project.root / run / 'val-on-other/result.json').is_file()


@pytest.mark.parametrize(
    ('arguments', 'code', 'said'),
    [
        (['work_dirs/none'], 2, 'work_dirs/none: no such folder'),
        (['configs'], 2, 'configs: no run in it has weights'),
        (['work_dirs/cracks', '--datasets', 'othr'], 2, 'did you mean other'),
        (['work_dirs/cracks', '--datasets', 'wta_512'], 2, 'with 2 classes, the data set wta_512 has 3'),
        (['work_dirs/cracks', '--datasets', 'crackforest'], 3, 'crackforest'),
    ],
)
def test_what_cannot_be_is_one_line(project, capsys, monkeypatch, arguments, code, said):
    monkeypatch.setenv('MMSEG_EXT_DATA', 'nowhere')
    assert run_tool('cross_eval', *arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert 'Traceback' not in error


def test_an_unwritable_folder_is_told_before_the_work(project, capsys, tmp_path):
    (tmp_path / 'file').write_text('')
    run = tmp_path / 'run'
    shutil.copytree('work_dirs/cracks/exp/tiny/mine/train', run / 'train')
    assert run_tool('cross_eval', run, '--datasets', 'other', '--out', tmp_path / 'file/out') == 2
    assert 'cannot write there' in capsys.readouterr().err
    assert not (run / 'test-on-other').exists()

"""The command line: numbers of a table, runs of a project, and what is asked wrongly."""

import pytest
from fake_project import make_fake_project, write_plan
from tool_runner import ROOT, run_tool


def test_a_table_of_given_numbers(capsys):
    assert run_tool('select_augmentation', '--table', ROOT / 'benchmarks/source_words.csv') == 0
    output = capsys.readouterr().out
    assert 'dropped: dent, for it lowers Broken Acc' in output
    assert 'peeling and rust tie' in output


def test_a_tolerance(capsys):
    table = ROOT / 'benchmarks/source_words.csv'
    assert run_tool('select_augmentation', '--table', table, '--tolerance', '0.05') == 0
    assert '\nchosen: peeling\n' in capsys.readouterr().out


def test_the_runs_of_a_project(capsys, tmp_path):
    project = make_fake_project(tmp_path, seeds=2)
    assert run_tool('select_augmentation', project) == 0
    output = capsys.readouterr().out
    assert output.count('chosen: w/ peeling') == 4
    assert 'Fast-SCNN: Step 1' in output
    assert 'MobileNetV3: Step 1' in output


def test_several_sweeps(capsys, tmp_path):
    project = make_fake_project(tmp_path, seeds=1)
    write_plan(project, 'gamma', {('M', 'a'): ['exp/fast-scnn/fast-scnn_0/seed0']})
    assert run_tool('select_augmentation', project) == 2
    assert 'several sweeps there; say which one: --sweep gamma|words' in capsys.readouterr().err
    assert run_tool('select_augmentation', project, '--sweep', 'words') == 0
    assert run_tool('select_augmentation', project, '--sweep', 'x') == 2
    assert 'no comparison "x" there; there is gamma, words' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [(), ('work_dirs/x', '--table', 'y.csv')])
def test_one_source_of_numbers(capsys, arguments):
    assert run_tool('select_augmentation', *arguments) == 2
    assert capsys.readouterr().err == 'error: give either the folder of a project or --table FILE.csv\n'

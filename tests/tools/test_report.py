"""tools/report.py as its user meets it: tables, three paths, and one line for a folder without runs."""

from fake_project import make_fake_project
from tool_runner import run_tool

from mmseg_ext.reports.comparison.text import project_text


def test_tables_are_printed_and_files_written(tmp_path, capsys):
    project = make_fake_project(tmp_path, groups=('Original',), seeds=1, images=5)
    assert run_tool('report', project, '--out', tmp_path / 'out') == 0
    said = capsys.readouterr().out
    paths = [tmp_path / 'out' / name for name in ('report.html', 'tables.md', 'results.csv')]
    assert said == '\n'.join([project_text(project), *map(str, paths)]) + '\n'
    assert all(path.stat().st_size > 100 for path in paths)


def test_a_folder_without_runs(tmp_path, capsys):
    assert run_tool('report', tmp_path) == 2
    assert 'no run there; give the folder of a project' in capsys.readouterr().err


def test_a_folder_that_cannot_be(tmp_path, capsys):
    project = make_fake_project(tmp_path, models=('m',), groups=('g',), seeds=1, images=5)
    (tmp_path / 'file').write_text('')
    assert run_tool('report', project, '--out', tmp_path / 'file/out') == 2
    assert 'cannot write there' in capsys.readouterr().err

"""The same tables in a terminal, as Markdown and as CSV."""

import csv
import math
import re

import numpy as np
import pytest
from fake_project import draw_confusions, make_fake_project, write_failure, write_plan, write_run

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison import wording
from mmseg_ext.reports.comparison.cells import Cell
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.reports.comparison.text import markdown, project_text, write_csv


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """Two models on two groups; one run failed."""
    root = make_fake_project(tmp_path_factory.mktemp('text'), gain=0.2)
    folder = root / 'exp/mobilenetv3/mobilenetv3_1/seed2'
    (folder / 'test/result.json').unlink()
    write_failure(folder, 'the GPU has no memory left')
    return root


def known(tmp_path, marks='change', title='Title', group='b|c'):
    """IoU 50 and 60, recall 5/8 and 6/8, one seed each; one class."""
    for name, correct in (('a', 5), ('b', 6)):
        confusion = np.array([[[90, 2], [8 - correct, correct]]])
        write_run(tmp_path / f'exp/N/{name}', confusion, ('background', 'crack'), seed=4)
    write_plan(
        tmp_path, 'p', {('N*', 'a'): ['exp/N/a'], ('N*', group): ['exp/N/b']}, title, ('Model', 'On'), marks
    )
    return tmp_path


def test_markdown_as_papers_have_it(tmp_path):
    lines = markdown(read_project(known(tmp_path, 'best'))).splitlines()
    assert lines[:6] == [
        '## Title',
        '',
        '| Model | On | n | Crack IoU | Crack Acc | mIoU | mAcc |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        '| **N\\*** | a | 1 | *50.00* | *62.50* | *50.00* | *62.50* |',
        '|  | b\\|c | 1 | **60.00** | **75.00** | **60.00** | **75.00** |',
    ]


def test_markdown_marks_gains(project):
    text = markdown(read_project(project))
    assert re.search(r'^\| \*\*Fast-SCNN\*\* \| Original \| 3 \| \d\d\.\d\d ± \d\.\d', text, re.MULTILINE)
    assert re.search(r'^\|  \| w/ peeling \| 3 \| \*\*\d\d\.\d\d\*\* ± \d\.\d', text, re.MULTILINE)
    assert re.search(r'^\|  \| w/ peeling \| 2/3 \|', text, re.MULTILINE)
    assert '\n| Fast-SCNN: w/ peeling − Original | mAcc | +' in text
    assert '\n* MobileNetV3, w/ peeling: 2 of 3 seeds (1 without a result).' in text
    assert '\n* MobileNetV3, w/ peeling, seed 2: failed: the GPU has no memory left (' in text
    rows = [line for line in text.splitlines() if line.startswith('|')]
    assert {line.replace('\\|', '').count('|') for line in rows} == {10, 8}


@pytest.mark.parametrize('width', [80, 100, 120])
def test_a_terminal_shows_all_of_it(project, width):
    text = project_text(project, width=width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width or str(project) in max(lines, key=len)
    assert '\x1b' not in text
    assert all(line == line.rstrip() for line in lines)
    for run in ('Original', 'w/ peeling'):
        assert run in text
    scores = read_project(project).comparisons[0].rows[0].runs
    mean = np.mean([run.result['scores']['IoU.attached'] for run in scores])
    assert f'{mean:.2f} ± ' in text
    assert '▲: better than the first row of the same model' in text
    assert re.search(r'\d\d\.\d\d ± \d\.\d+▲', text)
    assert '2/3' in text
    assert 'seed 2: failed: the GPU has no memory left' in ' '.join(text.split())
    # The blocks of a narrow terminal repeat the names and hold all the columns.
    blocks = text.split('Differences in points')[0].count('Trained on')
    assert (blocks == 1) == (width == 120)
    assert all(name in text for name in ('Attached', 'Broken', 'mIoU', 'mAcc'))


def test_nothing_is_cut_or_folded_at_any_width(project):
    (table,) = score_tables(read_project(project).comparisons[0])
    scores = [wording.score(cell) for line in table.lines for cell in line.cells]
    for width in range(80, 121, 2):
        text = project_text(project, width=width).partition('Differences')[0]
        assert all(score in text for score in scores)
        blocks = text.count('Trained on')  # where it is not folded, nor are the names below it
        assert text.count(' MobileNetV3 ') == blocks > 0
        assert text.count(' w/ peeling ') == 2 * blocks


def test_means_are_compared_in_points(project):
    for width, intervals in ((100, 2), (120, 3)):
        lines = project_text(project, width=width).splitlines()
        start = next(index for index, line in enumerate(lines) if line.startswith('Differences'))
        (mean,) = [line for line in lines[start:] if re.match(r' Fast-SCNN: w/ peeling − Original +mIoU ', line)]
        number = r' +[+−]\d+\.\d\d'
        assert re.search(rf'mIoU{number}({number} …{number}){{{intervals}}}  gain$', mean)
        assert not [line for line in lines[start:] if 'Attached' in line]


def test_a_resumed_run_is_marked(tmp_path):
    write_run(tmp_path / 'exp/N/a', draw_confusions(4, 0.5), resumed=True)
    write_run(tmp_path / 'exp/N/b', draw_confusions(4, 0.5))
    write_plan(tmp_path, 'p', {('N', 'a'): ['exp/N/a'], ('N', 'b'): ['exp/N/b']})
    text = project_text(tmp_path, width=120)
    assert re.search(r'^ N +a +1†  ', text, re.MULTILINE)
    assert re.search(r'^ +b +1  ', text, re.MULTILINE)
    assert 'N, a: † resumed: seed 0.' in text
    assert '| **N** | a | 1† |' in markdown(read_project(tmp_path))


def test_best_and_second_best_in_a_terminal(tmp_path):
    text = project_text(known(tmp_path, 'best'), width=80)
    assert '60.00★' in text
    assert '50.00☆' in text
    assert '★: best of the column; ☆: second best' in text


@pytest.mark.parametrize('group', ['[red]', ':warning:', 40 * 'x', ''])
def test_odd_names_are_shown_as_they_are(tmp_path, group):
    text = project_text(known(tmp_path, group=group), width=80)
    assert group in text or text.count('x') >= 40  # folded, and not cut
    assert markdown(read_project(tmp_path))


def test_only_the_plan_that_is_asked_for(project, tmp_path):
    assert project_text(project, 'words') == project_text(project)
    root = known(tmp_path)
    write_run(root / 'exp/other/x/seed0', draw_confusions(4, 0.5))
    assert 'Runs outside any plan' in project_text(root)
    assert 'Runs outside any plan' not in project_text(root, 'p')
    with pytest.raises(UsageError, match=r'no comparison "q" there; there is p, others'):
        project_text(root, 'q')


def test_all_runs_as_csv(project, tmp_path):
    file = tmp_path / 'runs.csv'
    write_csv(read_project(project), file)
    with file.open(encoding='utf-8', newline='') as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 12
    first, last = rows[0], rows[-1]
    run = read_project(project).comparisons[0].rows[0].runs[0]
    assert {key: first[key] for key in ('comparison', 'model', 'group', 'seed', 'state', 'reason')} == dict(
        comparison='words', model='Fast-SCNN', group='Original', seed='0', state='finished', reason=''
    )
    for name, value in run.result['scores'].items():
        assert float(first[name]) == value
    assert (first['recipe'], first['config_hash'], first['resumed']) == ('fast-scnn_0', '0-0', 'False')
    assert (first['iteration'], first['iterations'], first['train_seconds']) == ('400', '400', '60.0')
    assert first['folder'] == str(run.folder)
    assert (last['state'], last['reason'], last['mIoU_fg']) == ('failed', 'the GPU has no memory left', '')
    assert list(first)[:7] == ['comparison', 'model', 'group', 'recipe', 'seed', 'state', 'reason']
    assert [path.name for path in tmp_path.iterdir()] == ['runs.csv']


@pytest.mark.parametrize(
    ('mean', 'sd', 'text'),
    [
        (49.968, 1.24, '49.97 ± 1.2'),
        (49.968, 0.04, '49.97 ± 0.04'),
        (0.0, 0.0, '0.00 ± 0.00'),
        (3.0, 0.095, '3.00 ± 0.1'),
        (5.0, None, '5.00'),
        (math.nan, None, '–'),
    ],
)
def test_a_score_in_words(mean, sd, text):
    assert wording.score(Cell((), mean, sd)) == text


def test_differences_in_words():
    assert wording.points(-1.234) == '−1.23'
    assert wording.interval((-0.5, 2.0)) == '−0.50 … +2.00'
    assert wording.interval(None) == '–'

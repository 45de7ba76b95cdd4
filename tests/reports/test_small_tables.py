"""ODS, boundary F1, PES beside the other scores: in a terminal, in Markdown, nowhere that does not have them."""

import json
import math
import re

import numpy as np
import pytest
from fake_project import add_curves, make_fake_project, write_plan, write_run

from mmseg_ext.files import write_json
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.small_tables import small_tables
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.reports.comparison.text import markdown, project_text

CRACK = np.array([[[90, 2], [3, 5]]])


def of_lines(root, rows):
    """The table of a plan; ``rows`` has the scores with a tag of each run, None for a run without a result."""
    plan = {}
    for (model, group), runs in rows.items():
        plan[model, group] = [f'exp/{model}/{group}/seed{seed}' for seed in range(len(runs))]
        for folder, scores in zip(plan[model, group], runs, strict=True):
            if scores is not None:
                file = write_run(root / folder, CRACK, ('background', 'crack')) / 'test/result.json'
                result = json.loads(file.read_text(encoding='utf-8'))
                write_json(file, result | dict(scores=result['scores'] | scores))
    write_plan(root, 'p', plan, marks='best')
    (table,) = score_tables(read_project(root).comparisons[0])
    return table


def test_a_table_for_each_tag_by_hand(tmp_path):
    both = [{'ODS@bsds-0.0075d': value, 'AP@bsds-0.0075d': None, 'ODS@macro-0px': 0.5} for value in (0.7, 0.8)]
    table = of_lines(tmp_path, {('N', 'a'): both, ('N', 'b'): [{'ODS@macro-0px': None}, {}, None]})
    bsds, macro = small_tables(table)
    assert bsds.title == 'Over all thresholds: bsds, 0.0075 of the diagonal'
    assert macro.title == 'Over all thresholds: macro, 0 px'
    assert bsds.headings == ('ODS', 'OIS', 'AP', 'threshold')
    assert bsds.keys[3] == 'threshold@bsds-0.0075d'
    ods, ois, ap, threshold = bsds.lines[0].cells
    assert (ods.mean, ods.sd) == pytest.approx((0.75, 0.1 / math.sqrt(2)))
    assert all(math.isnan(cell.mean) for cell in (ois, ap, threshold, *bsds.lines[1].cells))
    # One of its three runs was measured so, one without an outcome; the third has no result.
    assert (len(macro.lines[1].runs), macro.lines[1].planned) == (1, 3)
    assert bsds.lines[1].runs == ()


def test_contours_and_answers_to_prompts_by_hand(tmp_path):
    asked = {'PES': 54.5454, 'catch_rate': 90.909, 'yield_rate': 18.18, 'mIoU_neg': None}
    met = {'mBF@2px': 61.0, 'mBF_fg@2px': 50.0, 'BF.crack@2px': 50.0, 'mBF@1.5px': 40.0}
    table = of_lines(tmp_path, {('N', 'a'): [asked | met, met | {'mBF@2px': 63.0}], ('N', 'b'): [{}]})
    two, tight, prompts = small_tables(table)
    assert two.title == 'Contours: boundary F1 within 2 px, %'
    assert (two.headings, two.keys) == (('mBF', 'mBF fg'), ('mBF@2px', 'mBF_fg@2px'))
    assert two.lines[0].cells[0].mean == 62
    assert tight.title == 'Contours: boundary F1 within 1.5 px, %'
    assert [bool(each.legend) for each in (two, tight, prompts)] == [False, True, True]
    assert prompts.title == 'Answers to prompts, %'
    assert prompts.headings[:3] == ('catch rate', 'yield rate', 'PES')
    assert (len(prompts.lines[0].runs), prompts.lines[1].runs) == (1, ())
    text = markdown(read_project(tmp_path))
    assert '| **N** | a | 2 | 62.00 ± 1.4 | 50.00 ± 0.00 |' in text
    assert '| **N** | a | 1/2 | 90.91 | 18.18 | 54.55 | – | – | – | – |' in text
    lines = text.splitlines()
    assert all(lines[index - 1] == '' for index, line in enumerate(lines) if line.startswith('#') and index)
    shown = project_text(tmp_path, width=80)
    assert 'Contours: boundary F1 within 1.5 px, %' in shown
    assert '54.55' in shown
    assert shown.count('mBF: F1 of predicted against true contours') == 1


def test_none_without_such_scores(tmp_path):
    project = make_fake_project(tmp_path, seeds=1, images=5)
    assert small_tables(score_tables(read_project(project).comparisons[0])[0]) == ()
    for text in (project_text(project), markdown(read_project(project))):
        assert 'ODS' not in text
        assert 'threshold' not in text


def test_the_other_columns_stay_as_they_are(tmp_path):
    project = make_fake_project(tmp_path, images=5)
    before = markdown(read_project(project))
    head, _, added = markdown(read_project(add_curves(project))).partition('\n### ')
    assert '| ODS |' in added
    assert head + added[added.index('\n<details>') :] == before


def test_markdown_by_hand(tmp_path):
    tag = 'deepcrack_tip-2px-thin'
    runs = [{f'ODS@{tag}': 0.71, f'OIS@{tag}': 0.8, f'AP@{tag}': 0.7, f'threshold@{tag}': 0.4}] * 2
    runs[1] = runs[1] | {f'ODS@{tag}': 0.72, f'threshold@{tag}': 0.44}
    of_lines(tmp_path, {('N', 'a|b'): runs, ('N', 'c'): [{}]})
    lines = markdown(read_project(tmp_path)).splitlines()
    start = lines.index('### Over all thresholds: deepcrack\\_tip, 2 px, thinned')
    assert lines[start - 1] == lines[start + 6] == ''
    assert lines[start + 2 : start + 6] == [
        '| Model | On | n | ODS | OIS | AP | threshold |'.replace('On', 'Trained on'),
        '| --- | --- | --- | --- | --- | --- | --- |',
        '| **N** | a\\|b | 2 | 0.7150 ± 0.007 | 0.8000 ± 0.0000 | 0.7000 ± 0.0000 | 0.42 ± 0.03 |',
        '|  | c | 0/1 | – | – | – | – |',
    ]
    assert lines[start + 7].startswith('ODS: F1 at the one threshold')


def test_the_legend_stands_once_and_notes_are_not_repeated(tmp_path):
    project = add_curves(make_fake_project(tmp_path, images=5))
    (table,) = score_tables(read_project(project).comparisons[0])
    assert table.notes
    assert [each.notes for each in small_tables(table)] == [(), ()]
    assert markdown(read_project(project)).count('ODS: F1 at the one threshold') == 1


@pytest.mark.parametrize('width', [80, 100, 120])
def test_a_terminal_shows_all_of_it(tmp_path, width):
    project = add_curves(make_fake_project(tmp_path, seeds=2))
    text = project_text(project, width=width)
    assert max(map(len, text.partition('Differences')[0].splitlines())) <= width
    (table,) = score_tables(read_project(project).comparisons[0])
    for each in small_tables(table):
        block = text.split(each.title)[1]
        for line in each.lines:
            assert f'{line.cells[0].mean:.4f} ± ' in block
            assert f' {line.cells[3].mean:.2f} ± ' in block
    assert len(re.findall('ODS: F1 at the one threshold', text)) == 1
    assert text.index('Over all thresholds') < text.index('Differences in points')

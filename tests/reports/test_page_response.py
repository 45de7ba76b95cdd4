"""Answers to prompts on the page: their table, their curve, and that both are absent without such scores."""

import json
import re

import matplotlib.axes
import numpy as np
import pytest
import torch
from fake_project import draw_confusions, make_fake_project, write_plan, write_run

from mmseg_ext.evaluation import PromptedMetric
from mmseg_ext.files import write_json
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.reports.page import write_report
from mmseg_ext.reports.page.response import prompts, response_curve
from mmseg_ext.reports.page.style import looks

CLASSES = ('background', 'defect')


def answered(pixels: tuple[int, ...]) -> tuple[dict, dict]:
    """Scores and curve of PromptedMetric, for queries with a defect of 40 pixels and so many false ones."""
    metric, own = PromptedMetric(response_threshold=0.03), torch.zeros(1, 20, 20, dtype=torch.long)
    own.view(-1)[:40] = 1
    for index, count in enumerate(pixels):
        answer = torch.zeros_like(own)
        answer.view(-1)[:count] = 1
        for positive in (True, False):
            truth = dict(gt_sem_seg=dict(data=own * positive), own_sem_seg=dict(data=own))
            pred = dict(pred_sem_seg=dict(data=own if positive else answer))
            metric.process(None, [dict(img_path=str(index), positive=positive, **truth, **pred)])
    return metric.evaluate(2 * len(pixels)), metric.curve


@pytest.fixture
def project(tmp_path):
    """Two rows of two seeds, of which the second row answers less where it should not."""
    rows = {('SegGPT', 'zero-shot'): [(40, 40, 40), (40, 0, 4)], ('SegGPT', 'tuned'): [(0, 0, 4), (0, 0, 0)]}
    plan = {}
    for (model, group), seeds in rows.items():
        plan[model, group] = [f'exp/{model}/{group}/seed{seed}' for seed in range(2)]
        for seed, folder in enumerate(plan[model, group]):
            write_run(tmp_path / folder, draw_confusions(6, 0.5, seed=seed, classes=2), CLASSES, seed=seed)
            scores, curve = answered(seeds[seed])
            file = tmp_path / folder / 'test/result.json'
            result = json.loads(file.read_text(encoding='utf-8'))
            result['scores'] |= scores
            write_json(file, result | dict(curves=dict(response_rate=curve)))
    write_plan(tmp_path, 'prompts', plan, title='Prompts', marks='best')
    return tmp_path


def made(project):
    (table,) = score_tables(read_project(project).comparisons[0])
    return prompts(table, looks([line.group for line in table.lines], baseline=False), 'Prompts: plot'), table


def test_the_page_shows_the_table_and_the_curve(project):
    page = write_report(project)[0].read_text(encoding='utf-8')
    section = page.partition('<h3>Catch and yield</h3>')[2].partition('<h3>')[0]
    assert '<h4>Answers to prompts, %</h4>' in section
    assert '<td>66.67 ± 23.6</td>' in section  # PES of zero-shot: 50 and 83.3
    spoken = re.search('aria-label="(Prompts: yield rate against[^"]*)"', section)[1]
    assert 'SegGPT, tuned: yield rate 100.00 ± 0.00, catch rate 100.00' in spoken
    assert 'Less is better of overkill rate' in section
    for word in ('Precision and recall', '<h3>Contours'):
        assert word not in page


def test_a_line_a_seed_and_its_yield_rate(project, monkeypatch):
    drawn, plot = [], matplotlib.axes.Axes.plot

    def recording(axis, *arguments, **options):
        drawn.append((options['color'], np.array(arguments[:2], float), options))
        return plot(axis, *arguments, **options)

    monkeypatch.setattr(matplotlib.axes.Axes, 'plot', recording)
    part, table = made(project)
    curves, marks = ([each for each in drawn if ('ms' in each[2]) == marked] for marked in (False, True))
    runs = [(line, run) for line in table.lines for run in line.runs]
    assert len(curves) == len(marks) == len(runs) == 4
    for (line, run), curve, mark in zip(runs, curves, marks, strict=True):
        assert curve[0] == mark[0] == part.look[line.group].colour
        recorded = run.result['curves']['response_rate']
        np.testing.assert_array_equal(curve[1], [recorded['threshold'], recorded['yield_rate']])
        np.testing.assert_array_equal(mark[1], [0.03, run.result['scores']['yield_rate']])
        assert np.interp(0.03, *curve[1]) == pytest.approx(mark[1][1])


def test_without_curves_there_is_the_table_alone(project):
    for file in project.glob('exp/**/test/result.json'):
        write_json(file, json.loads(file.read_text(encoding='utf-8')) | dict(curves=None))
    part, table = made(project)
    assert [each.plot for each in part.tags] == [None]
    assert response_curve(table.lines[0].runs[0]).shape == (0, 2)


def test_only_positive_pairs_leave_nothing_to_draw(project):
    """A yield rate that is undefined everywhere."""
    for file in project.glob('exp/**/test/result.json'):
        result = json.loads(file.read_text(encoding='utf-8'))
        result['scores'] |= dict(yield_rate=None, PES=None)
        result['curves']['response_rate']['yield_rate'] = [None] * 61
        write_json(file, result)
    part, _ = made(project)
    assert [each.plot for each in part.tags] == [None]


def test_contours_have_a_table(tmp_path):
    project = make_fake_project(tmp_path, seeds=1, images=5)
    for file in project.glob('exp/**/test/result.json'):
        result = json.loads(file.read_text(encoding='utf-8'))
        result['scores'] |= {'mBF@2px': 61.234, 'mBF_fg@2px': 50.0}
        write_json(file, result)
    page = write_report(project)[0].read_text(encoding='utf-8')
    section = page.partition('<h3>Contours</h3>')[2].partition('<h3>')[0]
    assert '<h4>Contours: boundary F1 within 2 px, %</h4>' in section
    assert section.count('<td>61.23</td>') == 4
    assert 'role="img"' not in section  # no plot
    assert 'Answers to prompts' not in page

"""Precision against recall on the page: where it stands, what is drawn, and that it is absent without curves."""

import json
import math
import re
from pathlib import Path

import matplotlib.axes
import numpy as np
import pytest
import torch
from fake_project import add_curves, draw_confusions, make_fake_project, write_plan, write_run
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ext.evaluation import ThresholdMetric
from mmseg_ext.files import write_json
from mmseg_ext.reports.comparison.records import RunRecord, read_project
from mmseg_ext.reports.comparison.tables import score_tables
from mmseg_ext.reports.page import write_report
from mmseg_ext.reports.page.precision_recall import curve_of, equal_f1, precision_recall
from mmseg_ext.reports.page.style import looks

CLASSES = ('background', 'crack')
TAG = 'deepcrack_tip-2px'


def crack_project(root, rows, seeds=2):
    """A plan of the (model, group) pairs in ``rows``, all with curves."""
    plan = {}
    for index, (model, group) in enumerate(rows):
        plan[model, group] = [f'exp/{index}/recipe/seed{seed}' for seed in range(seeds)]
        for seed, folder in enumerate(plan[model, group]):
            write_run(root / folder, draw_confusions(6, 0.5, seed=9 * index + seed, classes=2), CLASSES, seed=seed)
    write_plan(root, 'cracks', plan, title='Cracks', marks='best')
    return add_curves(root)


def made(project):
    """The part of the only table of a project, and that table."""
    (table,) = score_tables(read_project(project).comparisons[0])
    groups = list(dict.fromkeys(line.group for line in table.lines))
    return precision_recall(table, looks(groups, baseline=False), 'Cracks: plot'), table


def changed(file, **changes):
    write_json(file, json.loads(file.read_text(encoding='utf-8')) | changes)


def page_of(project) -> str:
    return write_report(project)[0].read_text(encoding='utf-8')


@pytest.fixture
def drawn(monkeypatch):
    """Every line that is drawn, as (title of its panel, colour, points)."""
    lines = []
    plot = matplotlib.axes.Axes.plot

    def recording(axis, *arguments, **options):
        lines.append((axis.get_title(loc='left'), options['color'], np.array(arguments[:2], float), options))
        return plot(axis, *arguments, **options)

    monkeypatch.setattr(matplotlib.axes.Axes, 'plot', recording)
    return lines


def test_the_page_without_curves_knows_nothing_of_them(tmp_path):
    project = make_fake_project(tmp_path, seeds=1, images=5)
    page = page_of(project)
    for word in ('Precision and recall', 'ODS', '<h4>', 'class="tag"'):
        assert word not in page
    head, _, rest = page_of(add_curves(project)).partition('<h3>Precision and recall</h3>')
    assert 'ODS' not in head
    without = head + rest[rest.index('<h3>') :]
    assert ''.join(without.split()) == ''.join(page.split())  # nothing else changes


def test_what_the_page_shows(tmp_path):
    page = page_of(crack_project(tmp_path, [('U-Net', 'Dice & CE'), ('U-Net', 'Focal')]))
    assert page.count('<h4>Over all thresholds: ') == 2
    for tag in ('deepcrack_tip, 2 px', 'macro, 0 px'):
        assert f'<h4>Over all thresholds: {tag}</h4>' in page
    line = made(tmp_path)[1].lines[0]
    scores = [run.result['scores'] for run in line.runs]
    mean = np.mean([each[f'ODS@{TAG}'] for each in scores])
    assert f'<td>{mean:.4f} ± ' in page
    threshold = np.mean([each[f'threshold@{TAG}'] for each in scores])
    spoken = re.search(
        r'aria-label="(Cracks: precision against recall, Over all thresholds: deepcrack[^"]*)"', page
    )[1]
    assert f'U-Net, Dice &amp; CE: ODS {mean:.4f} ± ' in spoken
    assert f' at {threshold:.2f} ± ' in spoken
    assert 'their thresholds are chosen on the test images' in page.lower()


def test_a_line_a_seed_and_its_ods(tmp_path, drawn):
    part, table = made(crack_project(tmp_path, [('N', 'a'), ('N', 'b')]))
    assert (part.by, part.small, part.heading, part.names) == ('group', True, 'Trained on', ('a', 'b'))
    curves = [each for each in drawn if each[3].get('lw') == 1.3]
    marks = [each for each in drawn if 'ms' in each[3]]
    assert len(curves) == len(marks) == 2 * 4  # two tags, two groups of two seeds
    for line, own in zip(table.lines, (slice(0, 2), slice(2, 4)), strict=True):
        for run, curve, mark in zip(line.runs, curves[own], marks[own], strict=True):
            assert curve[1] == mark[1] == part.look[line.group].colour
            recorded = run.result['curves'][TAG]
            assert recorded['precision'][-1] is None
            np.testing.assert_array_equal(curve[2], [recorded['recall'][:-1], recorded['precision'][:-1]])
            scores = run.result['scores']
            np.testing.assert_array_equal(mark[2], [scores[f'recall@{TAG}'], scores[f'precision@{TAG}']])
            gap = np.abs(curve[2] - mark[2][:, None]).max(0).min()
            assert gap < 1e-5  # the mark lies on the curve


@pytest.mark.parametrize('protocol', ['bsds', 'deepcrack_tip', 'crackformer', 'macro'])
def test_what_the_metric_leaves(tmp_path, drawn, protocol):
    file = write_run(tmp_path / 'exp/N/a/seed0', np.array([[[90, 2], [3, 5]]]), CLASSES) / 'test/result.json'
    metric, random = ThresholdMetric(protocol, tolerance=1), np.random.default_rng(0)
    for _ in range(3):
        true = random.random((1, 20, 20)) < 0.1
        map_ = np.clip(0.5 * true + random.random((1, 20, 20)) / 2, 0, 1)
        sample = dict(gt_sem_seg=dict(data=torch.tensor(true).long()), seg_logits=dict(data=torch.tensor(map_)))
        metric.process(None, [sample])
    scores = json.loads(file.read_text(encoding='utf-8'))['scores'] | metric.evaluate(3)
    changed(file, scores=scores, curves={metric.tag: metric.curve})
    (swept,) = made(tmp_path)[0].tags
    assert swept.table.title == f'Over all thresholds: {protocol}, 1 px'
    assert [cell.values for cell in swept.table.lines[0].cells] == [
        (scores[f'{name}@{metric.tag}'],) for name in ('ODS', 'OIS', 'AP', 'threshold')
    ]
    (curve,) = [points for _, _, points, options in drawn if options.get('lw') == 1.3]
    (mark,) = [points for _, _, points, options in drawn if 'ms' in options]
    assert len(curve.T) > 50
    assert np.abs(curve - mark[:, None]).max(0).min() < 0.01


@pytest.mark.parametrize(
    ('rows', 'by', 'titles', 'heading', 'first'),
    [
        ([('N', 'a'), ('N', 'b')], 'group', {''}, 'Trained on', 'a'),
        ([('N', 'a'), ('M', 'a')], 'model', {''}, 'Model', 'N'),
        ([('N', 'a'), ('M', 'b')], 'group', {''}, 'Model, Trained on', 'N, a'),
        ([('N', 'a'), ('N', 'b'), ('M', 'a')], 'group', {'N', 'M'}, 'Model, Trained on', 'N, a'),
        ([('N', '')], 'group', {''}, 'Trained on', ''),
    ],
)
def test_colours_and_panels(tmp_path, drawn, rows, by, titles, heading, first):
    part, _ = made(crack_project(tmp_path, rows))
    shown = {(title, colour) for title, colour, _, options in drawn if 'ms' in options}
    assert {title for title, _ in shown} == titles
    assert len(shown) == len(rows)  # no two lines of one colour in a panel
    assert (part.by, part.heading, part.names[0]) == (by, heading, first)
    assert part.small == (titles == {''})
    assert page_of(tmp_path).count('class="swept"') == 2 * part.small


def test_undefined_scores_and_lost_curves(tmp_path, drawn):
    project = crack_project(tmp_path, [('N', 'a'), ('N', 'b')], seeds=1)
    one, other = (project / f'exp/{index}/recipe/seed0/test/result.json' for index in (0, 1))
    scores = json.loads(one.read_text(encoding='utf-8'))['scores']
    changed(one, scores=scores | dict.fromkeys(name for name in scores if '@' in name), curves=None)
    changed(other, curves={'macro-0px': dict(threshold=[0.5], precision=[None], recall=[0.0], f1=[None])})
    part, _ = made(project)
    assert [each.plot for each in part.tags] == [None, None]
    assert drawn == []
    assert all(math.isnan(cell.mean) for each in part.tags for cell in each.table.lines[0].cells)
    page = page_of(project)
    assert page.count('<td>–</td>') == 8


def test_a_curve_without_an_ods(tmp_path, drawn):
    project = crack_project(tmp_path, [('N', 'a'), ('N', 'b')], seeds=1)
    file = project / 'exp/0/recipe/seed0/test/result.json'
    scores = json.loads(file.read_text(encoding='utf-8'))['scores']
    changed(file, scores=scores | dict.fromkeys(name for name in scores if '@' in name))
    part, _ = made(project)
    assert sum(options.get('lw') == 1.3 for *_, options in drawn) == 4
    assert sum('ms' in options for *_, options in drawn) == 2
    spoken = re.search('aria-label="([^"]*)"', part.tags[0].plot)[1]
    assert 'N, b: ODS 0.' in spoken
    assert 'N, a' not in spoken


def test_points_without_a_precision_are_left_out():
    curve = dict(
        threshold=[0.1, 0.5, 0.9], precision=[0.2, 0.6, None], recall=[1.0, 0.5, 0.0], f1=[0.3, 0.5, None]
    )
    run = RunRecord(Path('run'), None, dict(curves={TAG: curve}), None)
    np.testing.assert_array_equal(curve_of(run, TAG), [[1.0, 0.2], [0.5, 0.6]])
    assert curve_of(run, 'macro-0px').shape == (0, 2)
    assert curve_of(RunRecord(Path('run'), None, {}, None), TAG).shape == (0, 2)


@given(st.floats(0.05, 0.95))
def test_lines_of_equal_f1(f1):
    recall, precision = equal_f1(f1)
    np.testing.assert_allclose(2 * precision * recall / (precision + recall), f1)
    assert (recall.min(), precision.max(), recall.max()) == pytest.approx((f1 / (2 - f1), 1, 1))
    assert (np.diff(recall) >= -1e-12).all()


def test_no_result_at_all(tmp_path):
    write_plan(tmp_path, 'p', {('N', 'a'): ['exp/N/a/seed0']})
    (table,) = score_tables(read_project(tmp_path).comparisons[0])
    assert precision_recall(table, looks(['a'], baseline=False), 'label') is None

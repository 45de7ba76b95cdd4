"""What is read of a project's folder: results, failures, plans, pixel counts."""

import json
import os

import numpy as np
import pytest
from fake_project import draw_confusions, make_fake_project, write_failure, write_plan, write_run

from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison.records import PerImage, read_project

CONFUSIONS = np.array([[[90, 2, 0], [3, 5, 0], [0, 0, 0]], [[80, 1, 1], [2, 6, 0], [0, 4, 6]]])


@pytest.fixture
def project(tmp_path):
    root = tmp_path / 'project'
    write_run(root / 'exp/net/a/seed0', CONFUSIONS, seed=0)
    write_run(root / 'exp/net/a/seed1', CONFUSIONS, seed=1, resumed=True)
    write_failure(root / 'exp/net/b/seed0', 'the loss became NaN')
    (root / 'exp/net/b/seed1/train').mkdir(parents=True)
    (root / 'exp/net/b/seed1/train/config.py').write_text('x = 1\n')
    rows = {
        ('Net', 'a'): ['exp/net/a/seed0', 'exp/net/a/seed1'],
        ('Net', 'b'): ['exp/net/b/seed0', 'exp/net/b/seed1'],
    }
    write_plan(root, 'two', rows | {('Net', 'c'): ['exp/net/c/seed7']}, title='Two', marks='best')
    return root


def test_a_plan_and_its_runs(project):
    (comparison,) = read_project(project).comparisons
    assert (comparison.name, comparison.title, comparison.marks) == ('two', 'Two', 'best')
    assert comparison.columns == ('Model', 'Trained on')
    assert [[run.state for run in row.runs] for row in comparison.rows] == [
        ['finished', 'finished'],
        ['failed', 'begun'],
        ['new'],
    ]
    assert [[run.seed for run in row.runs] for row in comparison.rows] == [[0, 1], [0, 1], [7]]
    assert [len(row.finished) for row in comparison.rows] == [2, 0, 0]
    first, second = comparison.rows[0].runs
    assert (first.resumed, second.resumed) == (False, True)
    assert first.iterations == 400
    assert comparison.rows[1].runs[1].iterations is None
    assert comparison.rows[1].runs[0].failure['reason'] == 'the loss became NaN'


def test_a_result_outlives_an_old_failure(project):
    write_failure(project / 'exp/net/a/seed0', 'killed')
    assert read_project(project).comparisons[0].rows[0].runs[0].state == 'finished'


def test_pixel_counts_of_every_image(project):
    counts = read_project(project).comparisons[0].rows[0].runs[0].per_image.counts
    expected = [[[90, 92, 93], [5, 8, 7], [0, 0, 0]], [[80, 82, 82], [6, 8, 11], [6, 10, 7]]]
    assert counts.tolist() == expected


def test_runs_that_no_plan_names(project):
    write_run(project / 'exp/other/x/seed0', CONFUSIONS)
    write_run(project / 'exp/other/x/seed1', CONFUSIONS, seed=1)
    write_run(project / 'exp/quick/y', CONFUSIONS, seed=3)
    others = read_project(project).comparisons[-1]
    assert others.name == 'others'
    assert [(row.model, row.group, len(row.runs)) for row in others.rows] == [('other', 'x', 2), ('quick', 'y', 1)]
    assert others.rows[1].runs[0].seed == 3


@pytest.mark.parametrize('header', ['image,IoU_fg', 'image,labelled.background,predicted.background'])
def test_a_result_without_counts(project, header):
    file = project / 'exp/net/a/seed0/test/per_image.csv'
    file.write_text(f'{header}\nx{",1" * header.count(",")}\n')
    first, second = read_project(project).comparisons[0].rows[0].runs
    assert first.per_image is None
    assert second.per_image is not None
    file.unlink()
    assert read_project(project).comparisons[0].rows[0].runs[0].per_image is None


def test_images_are_known_by_their_names_below_their_folder():
    counts = np.arange(3)
    one = PerImage(('/data/a/test/2/x.png', '/data/a/test/1/y.png', '/data/a/test/1/x.png'), counts).sorted()
    other = PerImage(('b/1/x.png', 'b/2/x.png', 'b/1/y.png'), counts).sorted()
    assert one.names == other.names == ('1/x.png', '1/y.png', '2/x.png')
    assert one.counts.tolist() == [2, 1, 0]
    assert other.counts.tolist() == [0, 2, 1]
    assert PerImage(('x.png',), counts[:1]).sorted().names == ('x.png',)


def test_an_empty_folder_is_no_project(tmp_path):
    with pytest.raises(UsageError, match=r'no run there; give the folder of a project'):
        read_project(tmp_path)


@pytest.mark.parametrize(
    ('name', 'text', 'problem'),
    [
        ('sweeps/two.json', '{"name": "two", "title": "x"}', r'two\.json: no plan, it lacks columns, marks, rows'),
        ('sweeps/two.json', '{', r'two\.json: no JSON'),
        ('exp/net/a/seed0/test/result.json', '', r'result\.json: no JSON.* delete it'),
    ],
)
def test_damaged_files_are_named(project, name, text, problem):
    (project / name).write_text(text)
    with pytest.raises(UsageError, match=problem):
        read_project(project)


def test_the_fake_project_is_what_it_says(tmp_path):
    project = make_fake_project(tmp_path, seeds=2, images=5)
    (comparison,) = read_project(project).comparisons
    run = comparison.rows[1].runs[1]
    assert run.folder == project / 'exp/fast-scnn/fast-scnn_1/seed1'
    counts = run.per_image.counts.sum(0)
    confusion = np.array(run.result['confusion'])
    assert counts.tolist() == np.stack([confusion.diagonal(), confusion.sum(1), confusion.sum(0)], 1).tolist()
    assert run.result['scores']['Acc.broken'] == pytest.approx(100 * counts[2, 0] / counts[2, 1])
    assert confusion.tolist() == draw_confusions(5, 0.6, seed=101).sum(0).tolist()
    assert (
        json.loads(next(run.folder.glob('train/*/vis_data/scalars.json')).read_text().splitlines()[-1])['step']
        == 400
    )
    assert not [name for _, _, names in os.walk(project) for name in names if 'partial' in name]

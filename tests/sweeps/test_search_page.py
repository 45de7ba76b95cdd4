"""The page of a search and what it leaves to work with."""

import re

import optuna
import pytest
import yaml
from optuna.distributions import CategoricalDistribution, FloatDistribution
from search_project import LR, SPACE, FakeEngine, by_rate, make_request
from tiny_project import make_project

from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.sweeps.plans.plan import read_plan
from mmseg_ext.sweeps.search.page import write_page
from mmseg_ext.sweeps.search.page.importance import importances
from mmseg_ext.sweeps.search.page.view import page_of, short_names
from mmseg_ext.sweeps.search.request import read_objective
from mmseg_ext.sweeps.search.search import run_search
from mmseg_ext.sweeps.search.study import open_study
from mmseg_ext.sweeps.search.winner import setting_of, write_winners


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture(scope='module')
def searched(project, tmp_path_factory):
    """A search of twelve trials, the learning rate deciding; the fourth failed with a reason full of markup."""
    request = make_request(project, tmp_path_factory.mktemp('out'), 12)
    reason = '<script>alert(1)</script> & "loss" is nan'
    engine = FakeEngine(lambda job: reason if job.folder.name == 'trial3' else by_rate(job))
    return run_search(request, engine), request


@pytest.fixture(scope='module')
def front(project, tmp_path_factory):
    """Two objectives: what finds more also has more false alarms, but for one trial that is worse in both."""
    objectives = read_objective('mIoU_fg'), read_objective('FalseAlarms')
    request = make_request(project, tmp_path_factory.mktemp('out'), 4, objectives=objectives)
    scores = {'trial0': (30.0, 2.0), 'trial1': (40.0, 3.0), 'trial2': (20.0, 1.0), 'trial3': (19.0, 5.0)}
    engine = FakeEngine(
        lambda job: scores[job.folder.name][0], extra=lambda job: {'FalseAlarms': scores[job.folder.name][1]}
    )
    return run_search(request, engine), request


def test_the_page_stands_alone(searched):
    _, request = searched
    text = (request.folder / 'report.html').read_text(encoding='utf-8')
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    assert 'url(http' not in text
    assert "default-src 'none'" in text
    assert '<script>alert' not in text
    assert '&lt;script&gt;alert(1)&lt;/script&gt; &amp; ' in text
    assert text.count('<svg') >= 4  # course, curves, importance, parameters


def test_what_the_page_says(searched):
    study, request = searched
    page = page_of(study, request)
    best = study.best_trial
    assert page.finding.startswith(f'Trial {best.number} is the best: mIoU_fg {best.value:.2f}. The recipe as')
    assert [row.number for row in page.rows] == list(range(12))
    assert page.rows[3].state == 'failed'
    assert page.rows[3].scores == (None,)
    assert [row.number for row in page.rows if row.best] == [best.number]
    assert {name: value for name, value, _ in page.facts}['Failed'] == '1'
    (winner,) = page.best
    shown = {name: (value, own) for name, value, own in winner.values}
    assert shown[LR] == (f'{best.params[LR]:.4g}', '0.02')
    assert any('finished trials say little' in note for note in page.notes)
    assert page.front is None


def test_the_learning_rate_matters_most(searched):
    study, request = searched
    ((_, weights),) = importances(study, request.objectives).items()
    assert next(iter(weights)) == LR
    assert sum(weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(('way', 'decides'), [('max', 'kind'), ('min', 'lr')])
def test_importance_is_that_for_the_best(way, decides):
    """One kind is far above the others, whatever the rate; how low the others get is a matter of the rate."""
    objective = read_objective(f'score:{way}')
    study = optuna.create_study(direction=objective.direction)
    kinds, rates = CategoricalDistribution(['a', 'b', 'c', 'd']), FloatDistribution(0, 1)
    for number in range(40):
        kind, rate = kinds.choices[number % 4], (number * 7 % 40) / 40
        value = 100.0 if kind == 'a' else -100 * rate
        params, distributions = {'kind': kind, 'lr': rate}, {'kind': kinds, 'lr': rates}
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=value))
    ((_, weights),) = importances(study, (objective,)).items()
    assert next(iter(weights)) == decides


def test_the_best_trial_is_a_recipe_that_trains_the_same(searched):
    study, request = searched
    trained = setting_of(request, study.best_trial).config()
    assert config_hash(load_config(request.folder / 'best.py')) == config_hash(trained)
    assert trained.optim_wrapper.optimizer.lr == study.best_params[LR]


def test_the_sweep_that_confirms_is_a_plan(searched, project, monkeypatch):
    study, request = searched
    monkeypatch.chdir(project.root)
    plan = read_plan(request.folder / 'confirm.yaml', project.root / 'work_dirs/P')
    assert [line.group for line in plan.lines] == ['as it is', f'trial {study.best_trial.number}']
    assert [job.seed for job in plan.jobs] == [1, 2, 3] * 2
    best = plan.lines[1].jobs[0]
    assert config_hash(load_config(best.recipe, best.swaps, best.options)) == config_hash(
        load_config(request.folder / 'best.py')
    )
    assert all(job.test for job in plan.jobs)


def test_a_front_leaves_a_recipe_for_each_of_its_trials(front):
    study, request = front
    names = [f'best_trial{number}.py' for number in (0, 1, 2)]
    assert sorted(file.name for file in request.folder.glob('best*.py')) == names
    groups = yaml.safe_load((request.folder / 'confirm.yaml').read_text())['groups']
    assert list(groups) == ['as it is', 'trial 2', 'trial 0', 'trial 1']
    (request.folder / 'best_trial9.py').write_text('of an older front')
    write_winners(study, request)
    assert not (request.folder / 'best_trial9.py').exists()


def test_a_front_is_shown(front):
    study, request = front
    page = page_of(study, request)
    assert page.finding.startswith('3 trials are on the Pareto front')
    assert 'With several objectives no trial is given up early.' in page.notes
    assert page.front is not None
    assert page.curves is None
    assert len(page.course) == len(page.slices) == 2
    assert [row.number for row in page.rows if row.best] == [0, 1, 2]


def test_a_page_before_anything_has_finished(project, tmp_path):
    request = make_request(project, tmp_path)
    study = open_study(request)
    assert write_winners(study, request) == []
    text = write_page(study, request).read_text(encoding='utf-8')
    assert 'No trial has finished yet.' in text
    assert 'importances cannot be told' in text


def test_the_recipe_may_be_the_best_or_outside(project, tmp_path):
    best = make_request(project, tmp_path, 2)
    study = run_search(best, FakeEngine(lambda job: 50.0 - int(job.folder.name[-1])))
    assert page_of(study, best).finding.endswith('That is the recipe as it is: nothing better was found.')
    (tmp_path / 'narrow').mkdir()
    narrow = make_request(project, tmp_path / 'narrow', 1, SPACE.replace('1e-1', '1e-2'))
    page = page_of(run_search(narrow, FakeEngine(lambda job: 50.0)), narrow)
    assert page.finding == 'Trial 0 is the best: mIoU_fg 50.00.'
    assert any('the space does not hold its optim_wrapper.optimizer.lr' in note for note in page.notes)


@pytest.mark.parametrize('trials', [7, 8])
def test_few_trials_and_trials_that_are_all_alike_have_no_importance(project, tmp_path, trials):
    request = make_request(project, tmp_path, trials)
    study = run_search(request, FakeEngine(lambda job: 50.0))
    assert importances(study, request.objectives) == {}


def test_changed_data_are_told(project, tmp_path):
    request = make_request(project, tmp_path, 2)
    study = run_search(request, FakeEngine(data=lambda job: job.folder.name))
    assert any('Images or masks were changed' in note for note in page_of(study, request).notes)


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['a.lr', 'b.lr', 'gamma'], ['a.lr', 'b.lr', 'gamma']),
        (['optim.lr', 'swap.losses', 'lr'], ['optim.lr', 'losses', 'lr']),
        (['m.0.gamma', 'm.1.gamma'], ['0.gamma', '1.gamma']),
        (['train.batch_size'], ['batch_size']),
    ],
)
def test_short_names_are_the_shortest_that_tell_apart(names, expected):
    assert list(short_names(names).values()) == expected

"""The page of a search in a real browser: it asks for nothing, sorts and filters its trials."""

import pytest
from browser import asked_for, load, started
from search_project import LR, FakeEngine, by_rate, make_request
from tiny_project import make_project

from mmseg_ext.sweeps.search.search import run_search


@pytest.fixture(scope='module')
def driver():
    yield from started()


@pytest.fixture(scope='module')
def searched(driver, tmp_path_factory):
    """A search of six trials, the third of which failed."""
    project = make_project(tmp_path_factory.mktemp('project'))
    request = make_request(project, tmp_path_factory.mktemp('out'), 6)
    engine = FakeEngine(lambda job: 'no memory' if job.folder.name == 'trial2' else by_rate(job))
    return run_search(request, engine), request.folder / 'report.html'


@pytest.fixture
def page(driver, searched):
    return load(driver, searched[1])


def rows(page) -> list:
    return page.find_elements('css selector', '.scores tbody tr:not([hidden])')


def column(page, name: str) -> list[str]:
    heads = [each.text for each in page.find_elements('css selector', '.scores thead th')]
    index = next(place for place, text in enumerate(heads) if text.startswith(name)) + 1
    return [row.find_element('css selector', f':nth-child({index})').text for row in rows(page)]


def sort(page, name: str) -> None:
    heads = page.find_elements('css selector', '.scores thead th button')
    next(each for each in heads if each.text.startswith(name)).click()


def test_nothing_is_asked_for_and_nothing_goes_wrong(page, searched):
    assert page.title == 'S: search'
    assert page.get_log('browser') == []
    assert set(asked_for(page)) == {searched[1].as_uri()}


def test_trials_are_sorted_by_score_and_by_number(page, searched):
    study, _ = searched
    sort(page, 'mIoU_fg')
    best = sorted((trial.value for trial in study.trials if trial.value is not None), reverse=True)
    assert column(page, 'mIoU_fg') == [*(f'{value:.2f}' for value in best), '–']
    assert column(page, 'Trial')[0] == str(study.best_trial.number)
    sort(page, 'lr')
    rates = sorted((trial.params[LR] for trial in study.trials), reverse=True)
    assert column(page, 'lr') == [f'{rate:.4g}' for rate in rates]


def test_trials_are_filtered_by_state(page):
    page.find_element('css selector', 'input[type="search"]').send_keys('failed')
    assert column(page, 'Trial') == ['2']
    assert column(page, 'Why') == ['no memory']


def test_the_page_is_no_wider_than_its_window(page):
    width = page.execute_script('return document.documentElement.scrollWidth - window.innerWidth')
    assert width <= 0

"""The page as its reader meets it: in a real browser, which asks for nothing but the file itself."""

import cv2
import numpy as np
import pytest
from browser import asked_for, load, started
from fake_project import make_fake_project, write_failure, write_plan

from mmseg_ext.reports.page import write_report

MODELS, GROUPS = ('Fast-SCNN', 'MobileNetV3', 'BiSeNetV2'), ('Original', 'w/ peeling')


@pytest.fixture(scope='module')
def driver():
    yield from started()


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    """The report of 13 runs, one of which failed, in two plans, with names that would be HTML if nobody cared."""
    project = make_fake_project(tmp_path_factory.mktemp('fake'), MODELS, GROUPS, seeds=2, images=8, gain=0.2)
    for run in project.glob('exp/*/*/seed*'):
        picture = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
        cv2.imwrite(str(run / 'test/worst.png'), picture)
    failed = write_failure(project / 'exp/x/y/seed0', 'the GPU has no memory left')
    rows = {
        ('<b>Net</b>', ':warning: a&b'): ['exp/x/y/seed0'],
        ('Net', '<script>'): ['exp/fast-scnn/fast-scnn_0/seed0'],
    }
    write_plan(project, 'strange', rows, title='<i>Strange</i> names')
    assert failed.is_dir()
    return write_report(project)[0]


@pytest.fixture
def page(driver, path):
    return load(driver, path)


def find(page, selector: str) -> list:
    return page.find_elements('css selector', selector)


def column(page, index: int) -> list[str]:
    """First line of the cells of a column in the table of the plan ``words``, those of hidden rows left out."""
    rows = f'#{table(page)} .scores tbody tr:not([hidden])'
    return page.execute_script(
        'return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim().split("\\n")[0])',
        f'{rows} > :nth-child({index})',
    )


def table(page) -> str:
    """The id of the section of the plan ``words``."""
    titles = {each.text: each for each in find(page, 'section.comparison > h2')}
    return titles['Words'].get_attribute('id').replace('title', 'table')


def heading(page, name: str):
    return next(each for each in find(page, f'#{table(page)} .scores thead th') if each.text.startswith(name))


def test_nothing_is_asked_for_and_nothing_goes_wrong(page, path):
    assert page.title == 'fake: results'
    assert page.get_log('browser') == []
    assert set(asked_for(page)) == {path.as_uri()}


def test_a_request_would_be_seen_and_is_refused(page):
    page.execute_script(
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image)"
    )
    assert any('Content Security Policy' in entry['message'] for entry in page.get_log('browser'))


@pytest.mark.parametrize('name', ['mIoU', 'Attached Acc'])
def test_a_heading_sorts_by_number_both_ways_and_back(page, name):
    th = heading(page, name)
    index = find(page, f'#{table(page)} .scores thead th').index(th) + 1
    before = column(page, index)
    states = []
    for _ in range(3):
        th.find_element('css selector', 'button').send_keys('\n')  # as the keyboard does it
        values = [float(text.split()[0]) for text in column(page, index)]
        states.append((th.get_attribute('aria-sort'), values))
    assert [state for state, _ in states] == ['descending', 'ascending', 'none']
    assert states[0][1] == sorted(states[0][1], reverse=True)
    assert states[1][1] == sorted(states[1][1])
    assert column(page, index) == before


def test_words_are_sorted_by_the_alphabet(page):
    heading(page, 'Model').find_element('css selector', 'button').click()
    assert column(page, 1) == sorted(column(page, 1))


def test_numbers_are_compared_as_numbers_and_undefined_ones_come_last(page):
    """9.5 ± 1 before 10.0, and – at the end in either direction; read from the text where nothing else is said."""
    page.execute_script(
        'const cells = document.querySelectorAll(`#${arguments[0]} .scores tbody tr > :nth-child(7)`);'
        "['9.5 ± 1', '–', '10.0', '−3', '100', '2.5 ± 0.1'].forEach((text, k) => "
        '{ delete cells[k].dataset.value; cells[k].textContent = text; });',
        table(page),
    )
    button = find(page, f'#{table(page)} .scores thead th:nth-child(7) button')[0]
    button.click()
    assert column(page, 7) == ['100', '10.0', '9.5 ± 1', '2.5 ± 0.1', '−3', '–']
    button.click()
    assert column(page, 7) == ['−3', '2.5 ± 0.1', '9.5 ± 1', '10.0', '100', '–']


def test_rows_of_a_model_stay_together_if_asked_for(page):
    heading(page, 'mIoU').find_element('css selector', 'button').click()
    assert column(page, 2) == ['w/ peeling'] * 3 + ['Original'] * 3  # the gain is larger than between models
    find(page, f'#{table(page)} .controls input[type="checkbox"]')[0].click()
    models = column(page, 1)
    assert models[::2] == models[1::2]
    assert column(page, 2) == list(reversed(GROUPS)) * 3


def test_the_filter_hides_rows_and_counts_the_rest(page):
    field, output = (
        find(page, f'#{table(page)} .controls {name}')[0] for name in ('input[type="search"]', 'output')
    )
    assert output.text == '6 of 6 rows'
    field.send_keys('PEELING mobile')
    assert (column(page, 1), output.text) == (['MobileNetV3'], '1 of 6 rows')
    field.clear()
    field.send_keys('nothing of the kind')
    assert (column(page, 1), output.text) == ([], '0 of 6 rows')


def test_worst_images_open(page):
    sheet = find(page, f'#{table(page)} details.sheet')[0]
    image = sheet.find_element('css selector', 'img')
    assert not image.is_displayed()
    sheet.find_element('css selector', 'summary').click()
    page.execute_async_script('const [image, done] = arguments; image.decode().then(done, done)', image)
    assert image.is_displayed()
    assert (image.get_property('naturalWidth'), image.get_property('naturalHeight')) == (400, 300)


def test_names_stay_text_and_failures_are_in_sight(page):
    text = page.execute_script('return document.body.innerText')
    for name in ('<i>Strange</i> names', '<b>Net</b>', ':warning: a&b', '<script>', 'the GPU has no memory left'):
        assert name in text
    assert find(page, 'main b, main i, main script') == []
    assert find(page, '.failures')[0].is_displayed()


@pytest.mark.parametrize('width', [1300, 420])
def test_text_is_large_enough_and_only_boxes_scroll(page, width):
    page.set_window_size(width, 900)
    sizes, inside, whole = page.execute_script(
        'for (const details of document.querySelectorAll("details")) details.open = true;'
        'const written = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());'
        'const scale = (e) => e.ownerSVGElement ? e.ownerSVGElement.getScreenCTM().a : 1;'
        'const shown = [...document.querySelectorAll("body *")].filter((e) => e.getClientRects().length);'
        'const sizes = shown.filter(written).map((e) => scale(e) * parseFloat(getComputedStyle(e).fontSize));'
        'return [sizes, document.documentElement.clientWidth, document.documentElement.scrollWidth]'
    )
    page.set_window_size(1300, 900)
    assert len(sizes) > 300
    assert min(sizes) >= 11
    assert whole <= inside


def test_ids_are_unique(page):
    repeated = page.execute_script(
        'const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);'
        'return ids.filter((id, index) => ids.indexOf(id) !== index)'
    )
    assert repeated == []

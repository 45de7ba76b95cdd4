"""The report as its reader meets it: in a real browser, which asks for nothing but the file itself."""

import pytest
from browser import asked_for, load, started


@pytest.fixture(scope='module')
def driver():
    yield from started()


@pytest.fixture
def page(driver, edits):
    return load(driver, edits / 'report.html')


def find(page, selector: str) -> list:
    return page.find_elements('css selector', selector)


def shown(page, selector: str) -> list:
    return [each for each in find(page, selector) if each.is_displayed()]


def choose(page, name: str, value: str) -> None:
    page.execute_script(
        'const field = document.querySelector(`[data-filter=${arguments[0]}]`); field.value = arguments[1];'
        "field.dispatchEvent(new Event('input', { bubbles: true }))",
        name,
        value,
    )


def split_of(page, stage) -> str:
    return page.execute_script("return getComputedStyle(arguments[0]).getPropertyValue('--split')", stage)


def test_nothing_is_asked_for_and_nothing_goes_wrong(page, edits):
    assert page.title == 'tiles_two_words: edits'
    assert page.get_log('browser') == []
    assert set(asked_for(page)) == {(edits / 'report.html').as_uri()}


def test_a_request_would_be_refused(page):
    page.execute_script(
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image)"
    )
    assert any('Content Security Policy' in entry['message'] for entry in page.get_log('browser'))


def test_all_pictures_are_there(page):
    broken = page.execute_async_script(
        'const done = arguments[0]; const images = [...document.querySelectorAll("img[src]")];'
        'for (const image of images) image.loading = "eager";'
        'Promise.all(images.map((i) => i.decode().then(() => 0, () => 1))).then((found) => done([found.length, '
        'found.reduce((a, b) => a + b)]))'
    )
    assert broken[1] == 0
    assert broken[0] > 28 * 5


def test_the_line_between_before_and_after_follows_the_keyboard(page):
    stage = find(page, '.stage')[0]
    line = stage.find_element('css selector', 'input')
    line.send_keys('\ue012' * 10)  # arrow left
    assert split_of(page, stage) == '40%'
    clip = 'return getComputedStyle(arguments[0].querySelector(".after")).clipPath'
    assert page.execute_script(clip, stage) == 'inset(0px 0px 0px 40%)'
    assert split_of(page, find(page, '.stage')[1]) == '50%'


def test_one_line_moves_all(page):
    find(page, '#all')[0].send_keys('\ue011')  # home
    assert {split_of(page, stage) for stage in find(page, '.card .stage')} == {'0%'}


def test_filters_choose_cards_and_rows(page):
    output = find(page, '.controls output')[0]
    assert output.text == '60 of 60 edits, 28 with pictures'
    choose(page, 'word', 'rust')
    assert (len(shown(page, '.card')), len(shown(page, 'section.word'))) == (15, 1)
    choose(page, 'gates', 'seam')
    names = [each.text for each in shown(page, '.card .name strong')]
    assert names == ['tile_007', 'tile_017', 'tile_027'][: len(names)]
    assert output.text == f'3 of 60 edits, {len(names)} with pictures'
    choose(page, 'gates', '')
    choose(page, 'status', 'failed')
    assert output.text == '3 of 60 edits, 0 with pictures'
    choose(page, 'status', '')
    choose(page, 'id', ' TILE_00')
    assert output.text.startswith('10 of 60 edits')


def test_difference_and_label_are_laid_over_the_picture(page):
    card = find(page, '.card')[0]
    picture = card.find_element('css selector', '.stage .difference')
    tile = card.find_element('css selector', '[data-show="difference"]')
    assert not picture.is_displayed()
    tile.click()
    assert picture.is_displayed()
    assert tile.get_attribute('aria-pressed') == 'true'
    tile.click()
    assert not picture.is_displayed()
    outlines = find(page, '.stage .outline')
    card.find_element('css selector', '[data-show="outline"]').click()
    assert [each.is_displayed() for each in outlines[:2]] == [True, False]
    find(page, '#outlines')[0].click()
    assert all(each.is_displayed() for each in outlines)


def test_an_edit_in_full_size(page):
    choose(page, 'word', 'rust')
    choose(page, 'gates', 'survival')  # leaves out one that stands between the two
    first, second = shown(page, '.card')[:2]
    small = first.find_element('css selector', '.stage').size['width']
    first.find_element('css selector', '.enlarge').click()
    (dialog,) = shown(page, 'dialog')
    large = dialog.find_element('css selector', '.stage')
    assert large.size['width'] > 1.4 * small
    assert first.get_attribute('data-id').replace('__', ', ') == dialog.find_element('css selector', 'strong').text
    dialog.find_element('css selector', '[data-show="difference"]').click()
    assert large.find_element('css selector', '.difference').is_displayed()
    assert not first.find_element('css selector', '.difference').is_displayed()
    dialog.find_element('css selector', '[data-step="1"]').send_keys('\ue014')  # arrow right
    assert (
        second.get_attribute('data-id').replace('__', ', ') == dialog.find_element('css selector', 'strong').text
    )
    large = dialog.find_element('css selector', '.stage')
    large.find_element('css selector', 'input').send_keys('\ue012')
    assert split_of(page, large) == '49%'
    dialog.find_element('css selector', '[data-close]').click()
    assert not shown(page, 'dialog')


def media(page, scheme: str) -> None:
    features = [{'name': 'prefers-color-scheme', 'value': scheme}]
    page.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': features})


CONTRASTS = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const linear = (v) => v <= 10 ? v / 3295 : ((v / 255 + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05;
const ground = (e) => {
  const colour = e ? rgb(getComputedStyle(e).backgroundColor) : [0, 0, 0, 0.5];
  return colour[3] === 0 ? ground(e.parentElement) : colour;
};
const written = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
return [...document.querySelectorAll('body *')]
  .filter((e) => e.getClientRects().length && written(e) && !e.closest('.stage, .tile, svg, option'))
  .map((e) => [rgb(getComputedStyle(e).color), ground(e)])
  .filter(([, below]) => below.length === 3)
  .map((pair) => pair.map(light).sort((a, b) => b - a))
  .map(([bright, dark]) => bright / dark);
"""


def contrasts(page) -> list[float]:
    """WCAG contrast of every text with the plain colour that it stands on."""
    return page.execute_script(CONTRASTS)


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_can_be_read(page, scheme):
    media(page, scheme)
    found = contrasts(page)
    ground = page.execute_script('return getComputedStyle(document.body).backgroundColor')
    media(page, '')
    assert (sum(map(int, ground[4:-1].split(','))) < 100) == (scheme == 'dark')
    assert len(found) > 300
    assert min(found) >= 4.5


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

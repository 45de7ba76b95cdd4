"""A real browser for the tests of pages.

from browser import asked_for, started
@pytest.fixture(scope='module')
def driver():
    yield from started()      # skips the test with a reason where there is no browser
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
ARGUMENTS = (
    '--headless=new',
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--disable-gpu',
    '--window-size=1300,900',
)


def started() -> Iterator[Any]:
    """Headless Chromium or Chrome behind the driver on the PATH; nothing is downloaded."""
    pytest.importorskip('selenium', reason='selenium is not installed: pip install -e .[dev]')
    browsers, service = [path for path in map(shutil.which, BROWSERS) if path], shutil.which('chromedriver')
    if not browsers or service is None:
        pytest.skip('no browser with its driver: apt-get install chromium chromium-driver')
    driver = _start(browsers, service)
    yield driver
    driver.quit()


def _start(browsers: list[str], service: str) -> Any:
    """The first browser whose version the driver fits; the error of the last one where none does."""
    from selenium import webdriver
    from selenium.common.exceptions import SessionNotCreatedException

    options = webdriver.ChromeOptions()
    options.binary_location, *others = browsers
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    try:
        return webdriver.Chrome(options, webdriver.ChromeService(executable_path=service))
    except SessionNotCreatedException:
        if not others:
            raise
        return _start(others, service)


def load(driver: Any, path: Path) -> Any:
    """The page in ``path``, freshly loaded, with empty logs."""
    for name in ('browser', 'performance'):
        driver.get_log(name)
    driver.get(path.as_uri())
    return driver


def asked_for(driver: Any) -> list[str]:
    """The addresses that were asked for since the page was loaded, what stands inside it left out."""
    events = [json.loads(entry['message'])['message'] for entry in driver.get_log('performance')]
    asked = [each['params']['request']['url'] for each in events if each['method'] == 'Network.requestWillBeSent']
    return [url for url in asked if not url.startswith('data:')]

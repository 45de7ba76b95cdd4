"""One folder of edits for all tests of the report; none of them changes it."""

import pytest
from fake_edits import make_fake_edits

from augment.report import write_report


@pytest.fixture(scope='session')
def edits(tmp_path_factory):
    """60 lines of two words, with their report."""
    out = make_fake_edits(tmp_path_factory.mktemp('sets') / 'tiles_two_words')
    write_report(out)
    return out

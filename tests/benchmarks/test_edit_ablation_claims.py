"""What rows say to a claim: paired differences, the correction, the verdict, and which rows are compared."""

import numpy as np
import pytest
from edit_ablation_claims import CLAIMS, Claim, finding, holm, verdict
from edit_ablation_measure import COLUMNS
from edit_ablation_print import claims_table, newest, own
from edit_ablation_settings import TABLES, name_of, turn
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import UsageError

CLAIM = Claim('more is more', 'guidance', 'word_score', '15', '3')


def scores(*values):
    return {f'{k:05d}': value for k, value in enumerate(values)}


def test_every_claim_is_about_two_rows_that_are_measured():
    for claim in CLAIMS:
        assert {claim.more, claim.less} <= TABLES[claim.table].keys(), claim
        assert name_of(TABLES[claim.table][claim.more]) != name_of(TABLES[claim.table][claim.less])


def test_the_sign_is_that_of_the_claim():
    # Six differences of one sign: both tails of 2^6 equally likely signings, 2 / 64.
    found = finding(CLAIM, scores(*np.arange(2, 8.0)), scores(*np.zeros(6)))
    assert (found.n, found.difference, found.p) == (6, 4.5, pytest.approx(2 / 64))
    assert finding(CLAIM, scores(*np.zeros(6)), scores(*np.arange(2, 8.0))).difference == -4.5


def test_windows_are_paired_by_name_and_the_others_left_out():
    found = finding(CLAIM, {'a': 1.0, 'b': 3.0, 'c': 100.0}, {'d': 7.0, 'b': 1.0, 'a': 0.0})
    assert (found.n, found.difference) == (2, 1.5)


def test_rows_that_are_equal_or_absent_decide_nothing():
    equal = finding(CLAIM, scores(1.0, 2.0), scores(1.0, 2.0))
    assert (equal.p, verdict(equal.difference, equal.p)) == (1.0, 'undecided')
    absent = finding(CLAIM, {}, scores(1.0))
    assert (absent.n, verdict(absent.difference, absent.p)) == (0, 'not measured')


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.04: times 3, 2, 1, never falling; what was not measured does not count.
    assert holm([0.04, 0.01, float('nan'), 0.02]) == pytest.approx([0.04, 0.03, float('nan'), 0.04], nan_ok=True)
    assert holm([0.6, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_no_correction_and_bonferroni(values):
    for value, corrected in zip(values, holm(values), strict=True):
        assert value <= corrected <= min(1, len(values) * value) + 1e-12


@pytest.mark.parametrize(
    ('difference', 'p', 'word'),
    [(1, 0.04, 'supported'), (-1, 0.04, 'refuted'), (1, 0.05, 'undecided'), (-1, 0.5, 'undecided')],
)
def test_verdict(difference, p, word):
    assert verdict(difference, p) == word


def row(setting, index, word_score, word=None):
    """A row as the table has it, with no other score."""
    known = dict(setting=setting, index=str(index), window=f'{index:05d}', word=word or turn(index))
    return dict.fromkeys(COLUMNS, '') | known | dict(word_score=str(word_score))


def test_a_window_counts_with_its_own_word_alone():
    rows = [row('centre', 1, 0.5), row('centre', 1, 0.9, word=turn(2))]
    assert own(rows, 'centre') == rows[:1]


def test_the_printed_claim_takes_its_scores_from_its_rows():
    stronger = [row('guidance=15.0', k, 0.5 + k / 100) for k in range(12)]
    weaker = [row('centre', k, 0.1) for k in range(12)]  # whose guidance is 3
    [line] = [line for line in claims_table(stronger + weaker, ['guidance']).splitlines() if 'strengthens' in line]
    assert line.split('|')[3:7] == [' 12 ', ' +0.455 ', ' 0.00049 ', ' supported ']
    assert 'strengthens' not in claims_table(stronger + weaker, ['rli'])


def test_only_the_model_measured_last_is_printed():
    rows = [dict(model='a', steps='20'), dict(model='b', steps='50'), dict(model='b', steps='20')]
    assert newest(rows) == rows[2:]
    with pytest.raises(UsageError, match='no row is measured yet'):
        newest([])

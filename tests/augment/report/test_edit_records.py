"""The lines of a manifest, the sums over them, and the axes of the histograms."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_edits import line_of
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.errors import DataError
from augment.quality import GATES, IDENTICAL
from augment.report.histograms import BINS, axis, histograms
from augment.report.records import Line, read_lines
from augment.report.summary import by_word, findings, troubles
from augment.report.view import evenly, flat
from augment.report.wording import FAILURES, amount, duration, failure, limit, number, reasons

LIMITS = dict(recon_psnr=25.0, smallest_change=0.01, largest_change=0.35, lpips=None)


def good(stem: str = 'a', word: str = 'rust', **more) -> Line:
    return replace(Line(f'{stem}__{word}', stem, word, 'ok'), **more)


def write_lines(out, *lines: dict) -> None:
    (out / 'manifest.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))


def test_lines_are_read_with_what_is_null_left_out(tmp_path):
    write_lines(
        tmp_path,
        line_of(
            'b', 'rust', 'ok', windows=[[1, 2, 3, 4]], scores={'seam': 1, 'survival': None}, failed_gates=['x']
        ),
        line_of('a', 'rust', 'skipped', reason='no defect'),
        line_of('a', 'dent', 'failed', error='Boom: it broke\n  at line 3') | {'unknown': 1},
    )
    first, second, third = read_lines(tmp_path)
    assert [line.id for line in (first, second, third)] == ['a__dent', 'a__rust', 'b__rust']
    assert (first.why, second.why) == ('Boom: it broke', 'no defect')
    assert (third.windows, third.scores, third.failed_gates) == (((1, 2, 3, 4),), {'seam': 1.0}, ('x',))


def test_shards_that_are_not_merged_yet_count_too(tmp_path):
    lines = [json.dumps(line_of(stem, 'rust', 'ok')) + '\n' for stem in 'ab']
    (tmp_path / 'manifest.0-of-2.jsonl').write_text(lines[0])
    (tmp_path / 'manifest.1-of-2.jsonl').write_text(lines[1] + lines[1][:40])  # killed while it wrote
    assert [line.stem for line in read_lines(tmp_path)] == ['a', 'b']


def test_what_was_reviewed_is_not_to_be_reviewed_again(tmp_path):
    write_lines(tmp_path, *(line_of(stem, 'rust', 'ok', needs_review=True) for stem in ('a', 'b')))
    (tmp_path / 'review').mkdir()
    (tmp_path / 'review/imported.jsonl').write_text('{"id": "a__rust"}\n')
    assert [line.needs_review for line in read_lines(tmp_path)] == [False, True]


def test_no_manifest_no_report(tmp_path):
    with pytest.raises(DataError, match=r'manifest\.jsonl is not there: .* is no set of edits'):
        read_lines(tmp_path)


def test_a_row_for_every_word():
    lines = [
        good('a', needs_review=True, scores={'seam': 1.0}, seconds=2.0),
        good('b', scores={'seam': 4.0}, seconds=4.0),
        good('c', status='rejected', scores={'seam': 2.0}, seconds=3.0, needs_review=True),
        good('d', status='failed', seconds=99.0),
        good('a', 'dent'),
    ]
    dent, rust = by_word(lines)
    assert (dent.word, rust.word) == ('dent', 'rust')
    assert rust.counts == {'ok': 2, 'rejected': 1, 'failed': 1, 'skipped': 0}
    assert (rust.review, rust.medians, rust.seconds) == (1, {'seam': 2.0}, 3.0)
    assert (dent.medians, dent.seconds) == ({}, None)


def test_troubles_are_gathered_by_reason():
    lines = [
        good('a', status='skipped', reason='no defect'),
        good('b', status='failed', error='one'),
        good('c', status='failed', error='two'),
        good('d', status='failed', error='two\nat 5'),
        good('e'),
    ]
    found = [(each.status, each.reason, each.ids) for each in troubles(lines)]
    assert found == [
        ('failed', 'two', ('c__rust', 'd__rust')),
        ('failed', 'one', ('b__rust',)),
        ('skipped', 'no defect', ('a__rust',)),
    ]


def test_what_is_found():
    scores = {'background_psnr': IDENTICAL, 'bits_source': 9, 'bits_words': 0}
    lines = [
        good('a', scores=scores, seconds=10.0, attempts=({'change': 'x'},)),
        good('b', scores=scores | {'bits_source': 2, 'bits_words': 3}, needs_review=True, failed_gates=('seam',)),
        good('c', status='rejected', failed_gates=('survival', 'seam'), needs_review=True),
        good('d', status='skipped', reason='no defect'),
    ]
    assert findings(lines, LIMITS) == [
        '2 of 4 edits can be used (50 %), of 2 photographs.',
        '1 rejected edit in quarantine/: defect erased 1.',
        'The gates only reported: 1 usable edit would be refused (visible seam 1).',
        'Outside its region, each of the 2 is the photograph, pixel for pixel.',
        '1 label should be reviewed before training: see review/.',
        'Fingerprints can hardly tell 1 from its photograph, 1 from another word of it.',
        '1 usable edit took more than one attempt; each says why.',
        'It took 10 s an edit (median), 10 s in all.',
    ]
    changed = [good('a', scores={'background_psnr': 41.26}), good('b', scores=scores)]
    assert '1 of 2 also changed outside their region; the worst keeps 41.3 dB.' in findings(changed, LIMITS)


def test_nothing_made_is_said_too():
    assert findings([], {}) == ['0 of 0 edits can be used, of 0 photographs.']


def test_a_histogram_counts_every_edit_once():
    """Of 8 edits: 2 below 25 dB, 1 identical. The identical one passes and is in no bin."""
    values = [20, 24, 25, 26, 30, 30, 33, IDENTICAL]
    (found,) = histograms([good(str(k), scores={'recon_psnr': value}) for k, value in enumerate(values)], LIMITS)
    assert (found.count, found.identical, found.failing, found.median) == (8, 1, 2, 28)
    assert len(found.bars) == BINS
    assert np.sum(found.bars, 0).tolist() == [5, 2]
    assert found.highest == max(map(sum, found.bars))
    assert (found.below, found.above) == (0, 0)
    (cut,) = found.thresholds
    assert cut.text == 'at least 25 dB'
    assert found.low + cut.place * (found.high - found.low) == pytest.approx(25)


def test_a_score_has_the_lines_of_all_its_gates():
    (found,) = histograms([good(scores={'change': 0.4, 'lpips': 0.1}, stem='a')], LIMITS)[:1]
    assert [cut.text for cut in found.thresholds] == ['at least 0.01', 'at most 0.35']
    assert found.failing == 1
    lpips = histograms([good(scores={'lpips': 0.1})], LIMITS)[0]
    assert (lpips.score, lpips.thresholds, lpips.failing) == ('lpips', (), 0)
    assert histograms([good()], LIMITS) == []


def test_values_that_hardly_differ_have_an_axis():
    values = [29.0, 29.0 + 1e-14, 29.0]
    (found,) = histograms([good(str(k), scores={'recon_psnr': value}) for k, value in enumerate(values)], {})
    assert np.sum(found.bars, 0).tolist() == [3, 0]
    assert found.high - found.low == pytest.approx(1)


def test_one_value_far_off_leaves_the_others_apart():
    low, high = axis(np.array([*np.linspace(1, 1.2, 30), 900.0]), [2.0])
    assert 0 <= low < 1
    assert 2 < high < 4
    (found,) = histograms(
        [good(str(k), scores={'seam': v}) for k, v in enumerate([1, 1.1, 1.2, 1.1] * 5 + [900])], {}
    )
    assert (np.sum(found.bars), found.above, found.below) == (21, 1, 0)
    assert found.bars[-1] == (1, 0)


@given(st.lists(st.floats(-50, 150), max_size=30), st.lists(st.floats(0, 50), max_size=2))
@settings(max_examples=60, deadline=None)
def test_an_axis_holds_its_thresholds_and_the_middle_of_the_values(values, thresholds):
    low, high = axis(np.array(values), thresholds)
    inside = [*thresholds, *(np.quantile(values, (0.1, 0.9)) if values else [])]
    assert low < high
    assert all(low <= value <= high for value in inside)
    assert low >= 0 or min(values) < 0


def test_words_and_numbers():
    assert [number(value, 'recon_psnr') for value in (29.13, IDENTICAL, None, float('nan'))] == [
        '29.1 dB',
        'identical',
        '–',
        '–',
    ]
    assert (number(-0.25, 'clip'), number(1.5, 'seam'), number(3.0, 'news')) == ('−0.25', '1.50×', '3.00')
    assert (limit('seam', 2.0), limit('survival', 0.3)) == ('at most 2×', 'at least 0.3×')
    assert [duration(each) for each in (None, 4.26, 48, 600, 7200)] == ['–', '4.3 s', '48 s', '10 min', '2.0 h']
    assert [amount(each, 'edit') for each in (0, 1, 1200)] == ['0 edits', '1 edit', '1 200 edits']
    assert reasons('survival, seam') == 'defect erased, visible seam'
    assert reasons('no memory left') == failure('no memory left') == 'no memory left'


def test_every_gate_has_words_for_its_failure():
    assert set(FAILURES) == {gate.name for gate in GATES}


@given(st.integers(0, 50), st.integers(0, 20))
def test_an_even_choice(many, count):
    chosen = evenly([good(str(index)) for index in range(many)], count)
    places = [int(line.stem) for line in chosen]
    assert len(places) == min(many, count)
    assert places == sorted(set(places))
    if places:
        gaps = np.diff([*places, many])
        assert places[0] == 0
        assert gaps.max() - gaps.min() <= 1


def test_settings_are_laid_flat():
    nested = {'a': {'b': 1, 'c': {'d': None}}, 'e': [1, 'x'], 'f': []}
    assert flat(nested) == [('a.b', '1'), ('a.c.d', '–'), ('e', '1, x'), ('f', '–')]

"""What is measured of an edit, and what fails."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.config.settings import GateSettings
from augment.editing.photo import EditedPhoto
from augment.quality import GATES, IDENTICAL, judge, measure
from augment.regions.windows import Window

GOOD = dict(recon_psnr=30.0, background_psnr=IDENTICAL, change=0.1, area=0.2, seam=1.1, survival=0.9)
NAN = float('nan')


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photograph of 40 x 48 noisy pixels with a dark defect, its label, and the region around it."""
    before = np.random.default_rng(0).integers(140, 161, (40, 48, 3), np.uint8)
    label, region = np.zeros((40, 48), np.uint8), np.zeros((40, 48), bool)
    label[18:22, 16:30] = 1
    region[10:30, 8:38] = True
    before[label > 0] = 90
    return before, label, region


def edited(image: np.ndarray, region: np.ndarray, reconstruction: np.ndarray, word: str = 'rust') -> EditedPhoto:
    windows = [Window(5, 0, 30, 48)]
    return EditedPhoto(word, f'photo with {word}', image, region, reconstruction, None, windows, [], {}, False)


def test_every_score_of_an_edit():
    before, label, region = scene()
    after, drawn = before.copy(), before.copy()
    after[region] -= 51
    drawn[5:35] += 5
    scores = measure(before, edited(after, region, drawn), label, label)
    assert scores['recon_psnr'] == pytest.approx(20 * math.log10(255 / 5))  # of the window, not of the frame
    assert scores['background_psnr'] == scores['background_psnr_pie'] == IDENTICAL
    assert scores['background_ssim_pie'] == 1
    assert scores['background_ssim'] < 1  # its window looks across the border
    assert scores['change'] == pytest.approx(0.2)
    assert scores['area'] == pytest.approx(20 * 30 / (40 * 48))
    assert scores['psnr'] == pytest.approx(20 * math.log10(5) + 10 * math.log10(40 * 48 / 600))
    assert 0 < scores['ssim'] < 1
    assert scores['seam'] > 5
    assert scores['survival'] == pytest.approx(1)
    assert scores['bits_source'] <= 2  # darker, but the same
    assert all(math.isnan(scores[name]) for name in ('bits_words', 'lpips', 'clip'))
    assert all(type(value) is float for value in scores.values())
    assert judge(scores, GateSettings()) == ['seam']


def test_what_the_model_spoiled_outside_is_seen():
    before, label, region = scene()
    after = before.copy()
    after[~region] += 10
    scores = measure(before, edited(after, region, before), label, label)
    assert scores['background_psnr'] == pytest.approx(20 * math.log10(25.5))
    assert scores['background_psnr'] < scores['background_psnr_pie'] < IDENTICAL
    assert judge(scores, GateSettings()) == ['background_psnr', 'smallest_change']


def test_an_erased_defect_fails():
    before, label, region = scene()
    after = before.copy()
    after[label > 0] = 150
    assert judge(measure(before, edited(after, region, before), label, label), GateSettings()) == ['survival']


def test_the_nearest_other_word_is_found():
    before, label, region = scene()
    rng = np.random.default_rng(1)
    first, second = (np.where(region[..., None], rng.integers(0, 256, before.shape), before) for _ in range(2))
    one, other = (edited(image.astype(np.uint8), region, before) for image in (first, second))
    assert measure(before, one, label, label, [other])['bits_words'] > 12
    assert measure(before, one, label, label, [other, one])['bits_words'] == 0


def test_whole_frames_without_a_label():
    before, _, region = scene()
    frame = np.ones_like(region)
    scores = measure(before, edited(before // 2, frame, before), None, None)
    undefined = {name for name, value in scores.items() if math.isnan(value)}
    background = {name for name in scores if name.startswith('background')}
    assert undefined == background | {'survival', 'seam', 'bits_words', 'lpips', 'clip'}
    assert judge(scores, GateSettings()) == ['largest_area']


@pytest.mark.parametrize(
    ('score', 'value', 'gate'),
    [
        ('recon_psnr', 24.9, 'recon_psnr'),
        ('background_psnr', 34.0, 'background_psnr'),
        ('change', 0.009, 'smallest_change'),
        ('change', 0.36, 'largest_change'),
        ('area', 0.51, 'largest_area'),
        ('seam', 2.01, 'seam'),
        ('survival', 0.29, 'survival'),
    ],
)
def test_one_bad_score_fails_its_gate_alone(score, value, gate):
    assert judge(GOOD, GateSettings()) == []
    assert judge(GOOD | {score: value}, GateSettings()) == [gate]
    assert judge(GOOD | {score: value}, GateSettings(mode='report')) == [gate]
    assert judge(GOOD | {score: value}, GateSettings(mode='off')) == []


def test_the_threshold_itself_passes():
    settings = GateSettings()
    scores = {gate.score: getattr(settings, gate.name) for gate in GATES}
    assert judge(scores, settings) == []
    assert judge(scores | {'change': settings.smallest_change}, settings) == []


def test_what_is_not_defined_fails_only_where_it_is_wanted():
    unknown = dict.fromkeys(GOOD, NAN) | {'lpips': NAN, 'clip': None}
    assert judge(unknown, GateSettings()) == judge({}, GateSettings()) == []
    assert judge(unknown, GateSettings(lpips=0.1, clip=0.0)) == ['lpips', 'clip']
    assert judge({'lpips': 0.2, 'clip': -0.1}, GateSettings(lpips=0.1, clip=0.0)) == ['lpips', 'clip']
    assert judge({'lpips': 0.05, 'clip': 0.1}, GateSettings(lpips=0.1, clip=0.0)) == []


def test_every_threshold_has_a_gate_in_the_same_order():
    assert [gate.name for gate in GATES] == [each.name for each in fields(GateSettings) if each.name != 'mode']


@given(st.dictionaries(st.sampled_from([gate.score for gate in GATES]), st.floats(-300, 300)), st.data())
def test_a_looser_threshold_never_fails_more(scores, data):
    gate = data.draw(st.sampled_from(GATES))
    tight = GateSettings(lpips=0.1, clip=0.0)
    by = data.draw(st.floats(0, 50))
    loose = replace(tight, **{gate.name: getattr(tight, gate.name) + (-by if gate.at_least else by)})
    assert set(judge(scores, loose)) <= set(judge(scores, tight))

"""Thresholds of the gates: who is accepted, what is proposed, and what that refuses."""

import numpy as np
import pytest
from edit_ablation_gates import calibrated, gates_text, is_accepted, proposed, separation

from augment.config.presets import load_preset
from augment.quality.gates import GATES, OPTIONAL

BY_NAME = {gate.name: gate for gate in GATES}
SURVIVAL, SEAM = BY_NAME['survival'], BY_NAME['seam']


def row(recognised=1.0, stray=0.0, **scores):
    """A row as the table has it, every gate's score 1 unless given."""
    ones = {f'gate_{gate.score}': '1.0' for gate in GATES}
    return {
        'recognised': str(recognised),
        'stray': str(stray),
        **ones,
        **{f'gate_{k}': str(v) for k, v in scores.items()},
    }


@pytest.mark.parametrize(
    ('recognised', 'stray', 'taken'), [(1.0, 0.01, True), (1.0, 0.011, False), (0.0, 0.0, False)]
)
def test_accepted(recognised, stray, taken):
    assert is_accepted(row(recognised, stray)) is taken


def test_separation_is_the_chance_to_score_better():
    # Of 2 x 2 pairs three are won by the accepted; for a gate with an upper bound they are the ones lost.
    accepted, others = np.array([3.0, 1.0]), np.array([0.0, 2.0])
    assert separation(SURVIVAL, accepted, others)[0] == 0.75
    assert separation(SEAM, accepted, others)[0] == 0.25
    assert separation(SEAM, accepted, np.array([]))[1] == 1.0


def test_a_gate_that_tells_them_apart_gets_the_twentieth_of_the_accepted():
    accepted = np.arange(101) / 100  # 0, 0.01 ... 1: 5 % lie below 0.05
    assert proposed(SURVIVAL, accepted, 0.3, p=0.01) == pytest.approx(0.05)
    assert proposed(SEAM, 1 + accepted, 2.0, p=0.01) == pytest.approx(1.95)


def test_a_gate_that_does_not_is_only_ever_opened():
    accepted = np.arange(101) / 100
    assert proposed(SURVIVAL, accepted, 0.3, p=0.5) == pytest.approx(0.05)
    assert proposed(SURVIVAL, accepted, 0.01, p=0.5) == 0.01
    assert proposed(SEAM, accepted, 2.0, p=0.5) == 2.0
    assert proposed(SEAM, accepted, 0.5, p=0.5) == pytest.approx(0.95)


def test_of_few_accepted_edits_nothing_follows():
    assert proposed(SURVIVAL, np.zeros(19), 0.3, p=0.01) == 0.3
    assert proposed(SURVIVAL, np.zeros(20), 0.3, p=0.01) == 0.0


def test_a_rounded_threshold_refuses_no_more_than_the_exact_one():
    values = np.random.default_rng(0).uniform(0, 3, 200)
    for gate in (SURVIVAL, SEAM):
        threshold = proposed(gate, values, 0.3, p=0.01)
        assert np.mean([not gate.holds(value, threshold) for value in values]) <= 0.05


def test_lines():
    good = [row(survival=0.5 + k / 100) for k in range(40)]
    bad = [row(recognised=0.0, survival=0.1) for _ in range(10)] + [row(recognised=0.0, survival='')]
    lines = {line['gate']: line for line in calibrated(good + bad, 'all')}
    assert [*lines] == [gate.name for gate in GATES if gate.name not in OPTIONAL]
    line = lines['survival']
    assert (line['accepted'], line['others'], line['auc']) == (40, 10, 1.0)
    assert line['accepted_q50'] == pytest.approx(0.695)
    assert line['proposed'] == pytest.approx(0.51)  # the quantile is 0.5195
    assert (line['accepted_refused'], line['others_refused']) == (pytest.approx(1 / 40), 1.0)


def test_the_thresholds_can_be_read_as_those_of_a_preset(tmp_path):
    path = tmp_path / 'pocket.toml'
    path.write_text(gates_text(calibrated([row(survival=0.21) for _ in range(40)], 'pocket'), 'windows'))
    settings = load_preset(path)
    assert settings.gates.survival == 0.21
    assert settings.gates.recon_psnr == 1.0
    assert 'seam' not in path.read_text()  # nothing else is proposed for it


def test_what_separates_by_chance_alone_is_not_proposed():
    drawn = np.random.default_rng(1)
    good = [row(seam=value) for value in drawn.uniform(0.8, 1.2, 40)]
    bad = [row(recognised=0.0, seam=value) for value in (1.1, 1.1, 1.12, 1.14, 1.16)]
    line = next(line for line in calibrated(good + bad, 'all') if line['gate'] == 'seam')
    groups = [np.array([float(each['gate_seam']) for each in rows]) for rows in (good, bad)]
    assert separation(SEAM, *groups)[1] < 0.05 < line['p']  # one of seven gates
    assert line['proposed'] == line['present']

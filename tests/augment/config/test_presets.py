"""Presets, settings as plain dicts, and the options that override them."""

import json
from argparse import ArgumentParser
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.config.flags import FLAGS, add_settings, settings_from
from augment.config.plain import differences, flat, overridden, settings_dict, settings_hash, settings_of
from augment.config.presets import FOLDER, load_preset, preset_names
from augment.config.settings import ControlSettings, EditSettings
from augment.errors import UsageError


def parsed(*words: str) -> EditSettings:
    parser = ArgumentParser()
    add_settings(parser)
    return settings_from(parser.parse_args(words))


def test_readme_is_the_default_and_names_every_setting():
    assert load_preset('readme') == EditSettings() == parsed()
    written = {line.split(' = ')[0] for line in (FOLDER / 'readme.toml').read_text().splitlines() if ' = ' in line}
    assert written == {path.split('.')[-1] for path in flat(settings_dict(EditSettings()))} - {'lpips', 'clip'}


def test_paper_is_the_reference():
    paper = load_preset('paper')
    assert (paper.control.cross_window, paper.control.self_window, paper.guidance) == (0.8, 0.6, 7.5)
    assert (paper.inversion.null_init, paper.inversion.keep_best, paper.inversion.pinned) == (
        'empty',
        False,
        False,
    )
    assert paper.inversion.patience >= paper.inversion.inner_steps
    assert (paper.crop.mode, paper.blend.by, paper.blend.composite) == ('none', 'none', False)
    assert paper.rli == EditSettings().rli


def test_fast_optimises_nothing():
    fast = load_preset('fast')
    assert (fast.inversion.method, fast.inversion.fixed_point, fast.inversion.pinned) == ('npi', 2, True)
    assert differences(settings_dict(EditSettings()), settings_dict(fast)) == [
        'inversion.fixed_point: 0 -> 2',
        'inversion.method: null-text -> npi',
    ]


def test_pocket_is_fast_with_less_guidance_more_room_fewer_steps_and_a_calibrated_gate():
    fast, pocket = load_preset('fast'), load_preset('pocket')
    assert pocket.inversion == fast.inversion
    assert differences(settings_dict(fast), settings_dict(pocket)) == [
        'blend.feather: 6 -> 8',
        'blend.halo: 16 -> 32',
        'gates.survival: 0.3 -> 0.21',
        'guidance: 15.0 -> 3.0',
        'steps: 50 -> 30',
    ]


def test_the_default_preset_is_named_first():
    assert preset_names() == ['readme', 'fast', 'paper', 'pocket']


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('guidence = 7', r'unknown setting guidence; did you mean guidance\?'),
        (
            '[inversion]\ninner_step = 3',
            r'unknown setting inversion.inner_step; did you mean inversion.inner_steps',
        ),
        ('[control]\nqqq = 3', 'unknown setting control.qqq; known are mode, cross_window'),
        ('steps = "many"', "steps: 'many' is no whole number"),
        ('steps = 4.5', 'steps: 4.5 is no whole number'),
        ('steps = true', 'steps: True is no whole number'),
        ('guidance = nan', 'guidance: nan is not between'),
        ('rli = 3', r'rli: 3 is no table; write \[rli\]'),
        ('[rli]\nwhere = [3]', r'rli.where: \[3\] is no list of texts'),
        ('[blend]\ncomposite = 1', 'blend.composite: 1 is no true or false'),
        ('[control]\nmode = "swap"', "control.mode: 'swap' is none of refine, replace"),
        ('steps', 'no TOML'),
    ],
)
def test_a_file_of_ones_own_is_refused_with_the_cure(tmp_path, text, said):
    path = tmp_path / 'mine.toml'
    path.write_text(text)
    with pytest.raises(UsageError, match=f'mine.toml: .*{said}'):
        load_preset(path)


def test_a_file_of_ones_own_states_only_what_it_changes(tmp_path):
    path = tmp_path / 'mine.toml'
    path.write_text('guidance = 9\n[control]\nself_limit = 64\n[gates]\nlpips = 0.1\n')
    mine = load_preset(path)
    assert (mine.guidance, mine.control.self_limit, mine.gates.lpips) == (9.0, 64, 0.1)
    assert mine.inversion == EditSettings().inversion


def test_a_preset_that_is_not_there():
    with pytest.raises(UsageError, match=r'--preset fats: no such file or directory; did you mean fast\?'):
        load_preset('fats')


def test_settings_survive_json():
    settings = load_preset('paper')
    assert settings_of(json.loads(json.dumps(settings_dict(settings)))) == settings


def test_the_hash_tells_settings_apart_and_numbers_not():
    assert settings_hash(EditSettings(guidance=15)) == settings_hash(EditSettings(guidance=15.0))
    others = [EditSettings(seed=1), EditSettings(control=ControlSettings(equalizer=1.5)), load_preset('fast')]
    assert len({settings_hash(each) for each in [EditSettings(), *others]}) == 4


def test_the_hash_is_that_of_yesterday():
    """A run that was begun before an update goes on after it, unless a setting came or went."""
    assert settings_hash(EditSettings()) == HASH


HASH = 'cd48d19a0cf8c255'


@given(st.floats(0, 100), st.integers(1, 1000), st.floats(0, 1), st.sampled_from(['refine', 'replace']))
def test_differences_name_exactly_what_differs(guidance, steps, window, mode):
    values = {'guidance': guidance, 'steps': steps, 'control.self_window': window, 'control.mode': mode}
    before, after = EditSettings(), overridden(EditSettings(), values)
    old, new = flat(settings_dict(before)), flat(settings_dict(after))
    expected = [f'{key}: {old[key]} -> {new[key]}' for key in sorted(values) if old[key] != new[key]]
    assert differences(settings_dict(before), settings_dict(after)) == expected


def test_every_setting_has_its_option():
    reached = {flag.path for flag in FLAGS} | {f'gates.{name}' for name in ('recon_psnr', 'lpips')}
    missing = {path for path in flat(settings_dict(EditSettings())) if path not in reached}
    assert missing == {
        f'gates.{name}' for name in
        ('background_psnr', 'smallest_change', 'largest_change', 'largest_area', 'seam', 'survival', 'clip')
    }  # fmt: skip


def test_options_override_the_preset():
    got = parsed(
        '--preset',
        'fast',
        '--eq',
        '3',
        '--no-pin-source',
        '--rli-where',
        'up.self',
        'mid.self',
        '--self-limit',
        '64',
    )
    assert (got.inversion.method, got.control.equalizer, got.inversion.pin_source) == ('npi', 3.0, False)
    assert (got.rli.where, got.control.self_limit) == (('up.self', 'mid.self'), 64)


def test_gates_by_name():
    got = parsed('--gates', 'report', '--gate', 'recon_psnr=27', 'seam=3', '--gate', 'lpips=0.2')
    assert got.gates == replace(EditSettings().gates, mode='report', recon_psnr=27.0, seam=3.0, lpips=0.2)


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--gate', 'psnr=3'], '--gate psnr=3: no gate of that name; known are recon_psnr'),
        (['--gate', 'seam=much'], '--gate seam=much: expected seam=NUMBER'),
        (['--gate', 'seam'], '--gate seam: expected seam=NUMBER'),
        (['--cross', '1.4'], 'control.cross_window: 1.4 is not between 0 and 1'),
        (['--target-template', 'photo of a dent'], r"target_template: 'photo of a dent' has no \{word\}"),
        (['--self-limit', 'some'], "control.self_limit: 'some' is none of auto, all"),
    ],
)
def test_impossible_options(words, said):
    with pytest.raises(UsageError, match=said):
        parsed(*words)


def test_without_labels_whole_frames_by_attention_unless_asked_otherwise():
    parser = ArgumentParser()
    add_settings(parser)
    got = settings_from(parser.parse_args([]), labelled=False)
    assert (got.crop.mode, got.blend.by) == ('none', 'attention')
    assert settings_from(parser.parse_args(['--blend', 'none']), labelled=False).blend.by == 'none'


def test_a_trial_only_reports_unless_asked_otherwise():
    parser = ArgumentParser()
    add_settings(parser)
    assert settings_from(parser.parse_args([]), trial=True).gates.mode == 'report'
    assert settings_from(parser.parse_args(['--gates', 'enforce']), trial=True).gates.mode == 'enforce'

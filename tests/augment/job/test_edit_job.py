"""The loop over the photographs, from the command line to the files, with a model that paints."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_studio import FakeStudio, paint, planned, run, snapshot
from PIL import Image

from augment.dataset.manifest import read_records
from augment.errors import DataError, UsageError

KEYS = {
    'id', 'stem', 'word', 'status', 'reason', 'source', 'output', 'prompts', 'tokens', 'windows', 'scores', 'seed',
    'failed_gates', 'settings_hash', 'runtime', 'attempts', 'seconds', 'peak_gib', 'needs_review', 'region_file',
    'error', 'time',
}  # fmt: skip
STEMS = ['train_000', 'train_001', 'train_002']


def pixels(path):
    return np.array(Image.open(path))


@pytest.fixture
def out(data):
    return data.with_name('wta_512_peeling_trial')


def test_a_set_in_the_layout_of_the_project(data, out, capsys):
    assert run(FakeStudio(), '--word', 'peeling', '--save-masks') == 0
    names = sorted([*STEMS, *(f'{stem}__peeling' for stem in STEMS)])
    for folder in ('img_dir', 'ann_dir'):
        assert [path.name for path in (out / folder).iterdir()] == ['train']
        assert sorted(path.stem for path in (out / folder / 'train').iterdir()) == names
    meta, before = (json.loads((root / 'meta.json').read_text()) for root in (out, data))
    assert (meta['classes'], meta['palette']) == (before['classes'], before['palette'])
    assert (meta['name'], meta['source'], meta['words']) == ('wta_512_peeling_trial', 'wta_512', ['peeling'])
    said = capsys.readouterr().out
    assert 'peeling      3 ok, 0 rejected, 0 failed, 0 skipped' in said
    assert 'report.html' in said
    assert said.endswith('--swap datasets=wta_512_peeling_trial\n')


def test_outside_the_region_every_byte_is_the_photographs(data, out):
    run(FakeStudio(), '--word', 'peeling', '--save-masks')
    for stem in STEMS:
        before, after = (
            pixels(data / f'img_dir/train/{stem}.png'),
            pixels(out / f'img_dir/train/{stem}__peeling.png'),
        )
        region = pixels(out / f'masks/{stem}__peeling.png') == 255
        assert region.any()
        np.testing.assert_array_equal(before[~region], after[~region])
        assert (after[region] == 40).all()
        label = pixels(out / f'ann_dir/train/{stem}__peeling.png')
        np.testing.assert_array_equal(label, pixels(data / f'ann_dir/train/{stem}.png'))


def test_a_line_for_every_photograph_and_word(data):
    run(FakeStudio(), '--word', 'peeling', 'rust', '--out', 'both', '--gates', 'report')
    lines = [json.loads(line) for line in Path('both/manifest.jsonl').read_text().splitlines()]
    assert [line['id'] for line in lines] == [f'{stem}__{word}' for stem in STEMS for word in ('peeling', 'rust')]
    assert all(set(line) == KEYS for line in lines)
    first = lines[0]
    assert first['status'] == 'ok'
    assert first['prompts'] == {'source': 'photo of a crack', 'target': 'photo of a crack with peeling'}
    assert first['tokens']['target'][-2] == 'peeling</w>'
    assert first['windows'] == [[0, 0, 64, 80]]
    assert first['output']['image'] == 'img_dir/train/train_000__peeling.png'
    assert {*first['scores']} >= {'recon_psnr', 'change', 'area', 'seam', 'survival', 'background_psnr'}
    assert len(first['source']['sha256']) == len(first['output']['label_sha256']) == 64
    run_file = json.loads(Path('both/run.json').read_text())
    assert run_file['settings_hash'] == first['settings_hash']
    assert (run_file['words'], run_file['stems']) == (['peeling', 'rust'], STEMS)
    log = json.loads(Path('both/logs/train_000.json').read_text())
    assert log['rust']['windows'][0]['steps'] == [{'start': 0.2, 'best': 0.1, 'iterations': 3}]


def test_each_word_has_a_set_of_its_own_and_the_inversion_is_shared(data):
    studio = FakeStudio()
    run(studio, '--word', 'rust', 'dent')
    assert [words for _, words, _ in studio.calls] == [('rust', 'dent')] * 3
    for word in ('rust', 'dent'):
        assert [*read_records(data.with_name(f'wta_512_{word}_trial'))] == [f'{stem}__{word}' for stem in STEMS]


def test_a_finished_set_is_left_as_it_is(data, out, capsys):
    run(FakeStudio(), '--word', 'peeling')
    before, studio = snapshot(out), FakeStudio()
    assert run(studio, '--word', 'peeling') == 0
    after = snapshot(out)
    assert studio.calls == []
    kept = [name for name in before if not name.startswith('report.')]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert set(after) == set(before)


def test_a_photograph_that_changed_or_an_edit_that_is_gone_is_made_again(data, out):
    run(FakeStudio(), '--word', 'peeling')
    changed = data / 'img_dir/train/train_001.png'
    changed.unlink()  # the original in the set is the same file
    Image.fromarray(np.full((64, 80, 3), 7, np.uint8)).save(changed)
    (out / 'ann_dir/train/train_002__peeling.png').unlink()
    studio = FakeStudio()
    run(studio, '--word', 'peeling')
    assert studio.stems == ['train_001', 'train_002']
    assert len((out / 'manifest.jsonl').read_text().splitlines()) == 3


def test_overwrite_begins_anew(data, out):
    run(FakeStudio(), '--word', 'peeling')
    (out / 'img_dir/train/stray.png').touch()
    studio = FakeStudio()
    assert run(studio, '--word', 'peeling', '--overwrite', '--guidance', '7') == 0
    assert studio.stems == STEMS
    assert not (out / 'img_dir/train/stray.png').exists()


def test_limit_and_ids(data, out):
    studio = FakeStudio()
    run(studio, '--word', 'peeling', '--limit', '1')
    run(studio, '--word', 'peeling', '--ids', 'train_002')
    assert studio.stems == ['train_000', 'train_002']
    run(studio, '--word', 'peeling')
    assert studio.stems == ['train_000', 'train_002', 'train_001']
    with pytest.raises(UsageError, match=r'--ids train_7: no such image in .*; there are train_000'):
        planned('--word', 'peeling', '--ids', 'train_7')


def test_other_settings_are_refused_with_the_differences(data, out):
    run(FakeStudio(), '--word', 'peeling')
    with pytest.raises(
        UsageError, match=r'(?s)with other settings.*\n  control.equalizer: 2.0 -> 3.0\n  guidance: 15.0 -> 5.0$'
    ):
        planned('--word', 'peeling', '--model', 'tiny-random', '--guidance', '5', '--eq', '3')


def test_another_model_is_refused_before_and_after_it_is_loaded(data, out):
    run(FakeStudio(), '--word', 'peeling')
    with pytest.raises(UsageError, match=r'model.name: tiny-random -> somebody/sdxl'):
        planned('--word', 'peeling', '--model', 'somebody/sdxl', '--gates', 'report', '--out', str(out))
    other = FakeStudio(identity={'name': 'tiny-random', 'variant': None, 'weights': 'def', 'lora': {'name': 'x'}})
    with pytest.raises(UsageError, match=r'(?s)model.lora.name: - -> x\n  model.weights: abc -> def'):
        run(other, '--word', 'peeling')


def test_another_machine_is_not_another_model(data, out):
    run(FakeStudio(), '--word', 'peeling', '--limit', '1')
    elsewhere = FakeStudio(
        identity={'name': 'tiny-random', 'variant': None, 'weights': 'abc', 'dtype': 'bfloat16'}
    )
    assert run(elsewhere, '--word', 'peeling') == 0


def test_more_words_join_a_set(data):
    run(FakeStudio(), '--word', 'rust', '--out', 'both')
    studio = FakeStudio()
    run(studio, '--word', 'dent', '--out', 'both')
    assert {words for _, words, _ in studio.calls} == {('dent',)}
    assert json.loads(Path('both/run.json').read_text())['words'] == ['dent', 'rust']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--split', 'val'], '--split val: only train is edited'),
        (['--split', 'test'], '--split test: only train is edited'),
        (['--img-dir', 'data/wta_512/img_dir/val'], '"val" is held out for judging'),
        (
            ['--img-dir', 'data/wta_512/img_dir/test', '--ann-dir', 'data/wta_512/ann_dir/test'],
            '"test" is held out',
        ),
    ],
)
def test_only_the_train_split_is_ever_edited(data, words, said):
    with pytest.raises(UsageError, match=said):
        planned('--word', 'peeling', *words)


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--data', 'nowhere'], 'nowhere: no such data set'),
        (['--data', 'data'], 'img_dir/train: no such folder'),
        (['--out', 'data/wta_512'], 'that is where the photographs are'),
        (['--out', 'data'], 'that is where the photographs are'),
        (['--out', 'other'], 'there already, and not made by this command'),
        (['--overwrite', '--shard', '1/2'], '--overwrite with --shard'),
        (['--img-dir', 'data/wta_512/img_dir/train', '--data', 'data/wta_512'], 'give one of them'),
        (['--ann-dir', 'data/wta_512/ann_dir/train'], '--ann-dir: needs --img-dir'),
        (['--shard', '3/2'], '--shard 3/2: expected I/N'),
        (['--shards', '3'], '--ray and --shards N belong together'),
        (['--ray', '--shards', '2', '--shard', '1/2'], 'leave out --shard'),
        (['--word', '!!'], "--word '!!': has no letter or digit"),
        (['--word', 'deep scratch', 'deep-scratch'], 'would be one file name, deep_scratch'),
    ],
)
def test_what_cannot_be_asked_for(data, words, said):
    (data.parent.parent / 'other').mkdir()
    (data.parent.parent / 'other/mine.txt').touch()
    with pytest.raises(UsageError, match=said):
        planned('--word', 'peeling', *words)


def test_all_words_and_each_once(data):
    assert planned('--word', 'all', 'rust').words == (
        'scratch',
        'rust',
        'peeling',
        'corrosion',
        'blistering',
        'dent',
    )


def test_edits_of_edits_are_refused(data, out):
    run(FakeStudio(), '--word', 'peeling')
    with pytest.raises(DataError, match='train_000__peeling would be an edit and is there already'):
        planned('--word', 'peeling', '--data', out, '--out', 'new')


def test_photographs_without_labels_are_edited_whole(data):
    plan = planned('--word', 'peeling', '--img-dir', 'data/wta_512/img_dir/train', '--out', 'new')
    assert (plan.settings.blend.by, plan.settings.crop.mode) == ('attention', 'none')


def test_originals_can_be_left_out(data, out):
    run(FakeStudio(), '--word', 'peeling', '--no-originals')
    assert sorted(path.stem for path in (out / 'img_dir/train').iterdir()) == [
        f'{stem}__peeling' for stem in STEMS
    ]


def test_originals_are_the_same_bytes(data, out):
    run(FakeStudio(), '--word', 'peeling')
    for folder in ('img_dir', 'ann_dir'):
        for path in (data / folder / 'train').iterdir():
            assert (out / folder / 'train' / path.name).read_bytes() == path.read_bytes()


def test_stems_in_folders_stay_there(data, out):
    for folder in ('img_dir', 'ann_dir'):
        (data / folder / 'train/deep').mkdir()
        (data / folder / 'train/train_001.png').rename(data / folder / 'train/deep/train_001.png')
    assert run(FakeStudio(), '--word', 'peeling') == 0
    for name in (
        'img_dir/train/deep/train_001__peeling.png',
        'ann_dir/train/deep/train_001.png',
        'logs/deep/train_001.json',
    ):
        assert (out / name).is_file()


def test_every_line_can_be_had_as_json(data, capsys):
    run(FakeStudio(), '--word', 'peeling', '--json-log')
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('{')]
    assert [json.loads(line)['id'] for line in lines] == [f'{stem}__peeling' for stem in STEMS]


def test_a_base_to_write_where_there_is_none(data, capsys):
    shutil.copytree(data, data.with_name('mine'))
    run(FakeStudio(), '--word', 'peeling', '--data', 'data/mine')
    said = capsys.readouterr().out
    assert 'write configs/_base_/datasets/mine_peeling_trial.py' in said
    assert f"train_dataloader = dict(dataset=dict(data_root='{data.with_name('mine_peeling_trial')}'))" in said


def test_what_a_gate_refuses_goes_to_quarantine_with_its_label(data, out, capsys):
    def react(photo, words, rung, call):
        return [paint(photo, 'peeling', 40) if photo.stem != 'train_001' else unchanged(photo)]

    assert (
        run(
            FakeStudio(react),
            '--word',
            'peeling',
            '--gates',
            'enforce',
            '--gate',
            'seam=99',
            'survival=0',
            'largest_change=1',
        )
        == 0
    )
    record = read_records(out)['train_001__peeling']
    assert (record['status'], record['reason']) == ('rejected', 'smallest_change')
    assert [each['change'] for each in record['attempts']] == [
        'guidance 15 -> 7.5', 'equalizer 2 -> 1.5', 'alpha 0.1 -> 0.2',
    ]  # fmt: skip
    place = out / 'quarantine/smallest_change'
    assert record['output']['image'] == 'quarantine/smallest_change/train_001__peeling.png'
    assert (place / 'train_001__peeling.png').is_file()
    assert (place / 'ann_dir/train_001__peeling.png').is_file()
    assert not (out / 'img_dir/train/train_001__peeling.png').exists()
    assert '2 ok, 1 rejected, 0 failed, 0 skipped' in capsys.readouterr().out


def unchanged(photo):
    edited = paint(photo, 'peeling')
    return type(edited)(**{**vars(edited), 'image': photo.image.copy()})


def test_gates_that_only_report_say_what_they_would_reject(data, out, capsys):
    def react(photo, words, rung, call):
        return [unchanged(photo)] if photo.stem == 'train_001' else None

    open_gates = ('--gate', 'seam=99', 'survival=0', 'largest_change=1', 'largest_area=1')
    run(FakeStudio(react), '--word', 'peeling', *open_gates)
    said = capsys.readouterr().out
    assert '3 ok, 0 rejected' in said
    assert 'gates        would reject 1 edit of peeling; see the report' in said
    assert read_records(out)['train_001__peeling']['failed_gates'] == ['smallest_change']


def test_rejected_edits_need_not_be_kept(data, out):
    run(
        FakeStudio(lambda photo, *_: [unchanged(photo)]),
        '--word',
        'peeling',
        '--gates',
        'enforce',
        '--no-keep-rejected',
    )
    assert not (out / 'quarantine').exists()
    assert {record['status'] for record in read_records(out).values()} == {'rejected'}


def test_a_milder_edit_that_passes_is_taken(data, out):
    def react(photo, words, rung, call):
        return [paint(photo, 'peeling') if rung.settings.guidance < 15 else unchanged(photo)]

    gates = ['--gate', 'seam=99', 'survival=0', 'largest_change=1']
    run(FakeStudio(react), '--word', 'peeling', '--gates', 'enforce', *gates, '--limit', '1')
    record = read_records(out)['train_000__peeling']
    assert record['status'] == 'ok'
    assert record['attempts'] == [{'change': 'guidance 15 -> 7.5', 'why': 'smallest_change'}]

"""Shards: every photograph in exactly one; joined again, nothing is missing and nothing twice."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from fake_studio import FakeStudio, run, snapshot
from hypothesis import given
from hypothesis import strategies as st

from augment.dataset.locks import working_on
from augment.dataset.manifest import read_journal, read_records
from augment.dataset.shard import Shard, parse_shard
from augment.errors import DataError, RunError, UsageError
from augment.job.merging import merge_shards


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 9))
def test_every_photograph_is_in_exactly_one_shard(stems, count):
    shards = [parse_shard(f'{index}/{count}') for index in range(1, count + 1)]
    assert all(sum(stem in shard for shard in shards) == 1 for stem in stems)


def test_the_shard_of_a_photograph_is_the_same_everywhere():
    """By SHA-1 of the stem, which an independent tool says too: ``printf a | sha1sum`` ends in b8."""
    assert 'a' in Shard(1, 4)
    assert int('86f7e437faa5a7fce15d1ddcb9eaeaea377667b8', 16) % 4 == 0


@pytest.mark.parametrize('text', ['0/2', '3/2', '1', '1/0', 'a/b', '-1/2'])
def test_what_is_no_shard(text):
    with pytest.raises(UsageError, match=f'--shard {text}: expected I/N'):
        parse_shard(text)


@pytest.fixture
def out(data):
    return data.with_name('wta_512_peeling_trial')


def shards(*indices, count=2, studio=None):
    for index in indices:
        run(studio or FakeStudio(), '--word', 'peeling', '--shard', f'{index}/{count}')


def test_two_shards_make_what_one_run_makes(data, out):
    studio = FakeStudio()
    shards(1, 2, studio=studio)
    assert sorted(studio.stems) == ['train_000', 'train_001', 'train_002']
    assert not (out / 'manifest.jsonl').exists()
    assert merge_shards(out) == {'peeling': {'ok': 3}}
    sharded = snapshot(out)
    run(FakeStudio(), '--word', 'peeling', '--out', 'whole')
    whole = snapshot(data.parent.parent / 'whole')
    pictures = [name for name in whole if name.endswith('.png')]
    assert {name: sharded[name][0] for name in pictures} == {name: whole[name][0] for name in pictures}
    ids = [record['id'] for record in read_journal(out / 'manifest.jsonl')]
    assert ids == [f'train_00{index}__peeling' for index in range(3)]
    assert not list(out.glob('manifest.*-of-*'))


def test_a_shard_says_what_comes_next(data, capsys):
    shards(1)
    said = capsys.readouterr()
    assert 'shard 1/2 has' in said.err
    assert 'when all 2 shards are done: python augment/merge.py' in said.out
    assert 'report.html' not in said.out


def test_a_missing_shard_is_named(data, out):
    shards(2)
    missing = 3 - len(read_records(out))
    with pytest.raises(DataError, match=rf'(?s)not finished.*\n  shard 1/2: {missing} edits$'):
        merge_shards(out)
    assert (out / 'manifest.2-of-2.jsonl').is_file()
    assert not (out / 'manifest.jsonl').exists()


def test_an_edit_of_two_shards_is_named(data, out):
    shards(1, 2)
    one, two = out / 'manifest.1-of-2.jsonl', out / 'manifest.2-of-2.jsonl'
    record = json.loads(one.read_text().splitlines()[0]) | {'seconds': 99}
    two.write_text(two.read_text() + json.dumps(record) + '\n')
    with pytest.raises(DataError, match=rf'{record["id"]}: made by shard 1/2 and by shard 2/2; delete one of'):
        merge_shards(out)


def test_after_a_merge_nothing_is_done_twice(data, out):
    shards(1, 2)
    merge_shards(out)
    studio = FakeStudio()
    shards(1, 2, studio=studio)
    run(studio, '--word', 'peeling')
    assert studio.calls == []
    assert merge_shards(out) == {'peeling': {'ok': 3}}


def test_a_run_over_all_goes_on_where_shards_ended(data, out):
    shards(2)
    done = {name.partition('__')[0] for name in read_records(out)}
    studio = FakeStudio()
    run(studio, '--word', 'peeling')
    assert {*studio.stems} == {'train_000', 'train_001', 'train_002'} - done
    assert len(read_journal(out / 'manifest.jsonl')) == 3


def test_a_failed_edit_of_a_merged_set_is_replaced_by_the_next_merge(data, out):
    def react(photo, words, rung, call):
        if call == 1:
            raise RuntimeError('once')

    shards(1, 2, studio=FakeStudio(react))
    assert merge_shards(out)['peeling']['failed'] == 1
    shards(1, 2)
    assert merge_shards(out) == {'peeling': {'ok': 3}}


def test_what_is_no_set_of_edits(tmp_path):
    with pytest.raises(UsageError, match=r'no set of edits, run.json is missing'):
        merge_shards(tmp_path)


def test_shards_work_beside_each_other_and_nobody_beside_the_whole(tmp_path):
    with working_on(tmp_path, Shard(1, 2)), working_on(tmp_path, Shard(2, 2)):
        for other in (Shard(), Shard(1, 2)):
            with pytest.raises(RunError, match='another process works on this set'), working_on(tmp_path, other):
                pass
    with working_on(tmp_path, Shard()), pytest.raises(RunError), working_on(tmp_path, Shard(1, 2)):
        pass
    with working_on(tmp_path, Shard()):
        pass


def test_the_command_that_merges(data, out, monkeypatch, capsys):
    def merge(*words):
        monkeypatch.setattr(sys, 'argv', ['merge.py', *map(str, words)])
        monkeypatch.setattr(sys, 'path', [*sys.path])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT), run_name='__main__')
        return end.value.code, capsys.readouterr()

    shards(1)
    code, said = merge(out)
    assert code == 3
    assert 'shard 2/2: ' in said.err
    shards(2)
    code, said = merge(out)
    assert code == 0
    assert said.out.splitlines()[-1].endswith('--swap datasets=wta_512_peeling_trial')
    assert (out / 'report.html').is_file()
    assert merge(data)[0] == 2


SCRIPT = Path(__file__).resolve().parents[3] / 'augment/merge.py'

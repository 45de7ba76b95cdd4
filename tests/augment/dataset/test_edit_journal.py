"""The journal: torn lines, doubles, the disk that is full."""

import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.dataset.manifest import Journal, read_journal, read_records, write_records
from augment.dataset.shard import Shard
from augment.errors import DataError


def line(name, status='ok', **more):
    return {'id': name, 'status': status, **more}


def test_a_torn_last_line_is_dropped_and_overwritten(tmp_path):
    journal = Journal(tmp_path, Shard())
    journal.append(line('a'))
    with journal.path.open('ab') as file:
        file.write('{"id": "b", "status": "ok", "word": "ä'.encode()[:-1])
    again = Journal(tmp_path, Shard())
    assert [*again.records] == ['a']
    again.append(line('c'))
    assert [record['id'] for record in read_journal(journal.path)] == ['a', 'c']


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200))
def test_wherever_a_kill_tears_the_file_the_whole_lines_count(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp('torn')
    journal = Journal(folder, Shard())
    for name in 'abcde':
        journal.append(line(name, text='x' * 7, odd='\u2028 \n'))
    content = journal.path.read_bytes()[:cut]
    journal.path.write_bytes(content)
    again = Journal(folder, Shard())
    assert len(again.records) == content.count(b'\n')
    again.append(line('f'))
    assert [*read_records(folder)] == [*again.records]


def test_damage_in_the_middle_is_named(tmp_path):
    (tmp_path / 'manifest.jsonl').write_text('{"id": "a", "status": "ok"}\n{"id": \n{"id": "b", "status": "ok"}\n')
    with pytest.raises(DataError, match=r'manifest.jsonl, line 2: damaged; delete the line'):
        Journal(tmp_path, Shard())


def test_a_later_line_counts_and_compacting_keeps_it_alone(tmp_path):
    journal = Journal(tmp_path, Shard())
    for name, status in (('b', 'failed'), ('a', 'ok'), ('b', 'ok')):
        journal.append(line(name, status))
    assert read_records(tmp_path)['b']['status'] == 'ok'
    journal.compact()
    assert [(each['id'], each['status']) for each in read_journal(journal.path)] == [('a', 'ok'), ('b', 'ok')]


def test_a_journal_without_doubles_is_not_touched(tmp_path):
    journal = Journal(tmp_path, Shard())
    journal.append(line('a'))
    before = journal.path.stat().st_ino
    journal.compact()
    assert journal.path.stat().st_ino == before


def test_numbers_that_json_has_not_become_null(tmp_path):
    journal = Journal(tmp_path, Shard())
    journal.append(line('a', scores={'psnr': float('inf'), 'clip': float('nan')}))
    assert json.loads(journal.path.read_text())['scores'] == {'psnr': None, 'clip': None}
    assert journal.records['a']['scores'] == {'psnr': None, 'clip': None}


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    journal = Journal(tmp_path, Shard())
    journal.append(line('a'))

    def full(_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'):
        journal.append(line('b'))
    assert journal.path.read_text().count('\n') == 1
    assert [*journal.records] == ['a']


def test_what_shards_have_written_since_counts(tmp_path):
    write_records(tmp_path / 'manifest.jsonl', [line('a', 'failed'), line('b')])
    Journal(tmp_path, Shard(1, 2)).append(line('a'))
    assert {name: each['status'] for name, each in read_records(tmp_path).items()} == {'a': 'ok', 'b': 'ok'}

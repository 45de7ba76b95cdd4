"""A run that is killed at any write goes on as if nothing had been: kill -9 before each flush and each rename."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from fake_studio import FakeStudio, run, snapshot

from augment.dataset.manifest import Journal, read_journal, read_records
from augment.dataset.shard import Shard
from augment.files import sha256

STEMS = ['train_000', 'train_001', 'train_002']


def killed_at(point: int) -> bool:
    """Run in a process of its own that kills itself before flush or rename number ``point``; False if it ended."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        count = iter(range(point, -1, -1))

        def counted(function):
            def call(*args):
                if next(count) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args)

            return call

        os.fsync, Path.replace, os.link = counted(os.fsync), counted(Path.replace), counted(os.link)
        run(FakeStudio(), '--word', 'peeling')
    finally:
        os._exit(0)


def finished(out: Path) -> dict[str, tuple[bytes, int]]:
    """The files of all edits that have a line in the journal, with their times."""
    if not (out / 'run.json').is_file():
        return {}
    records = read_records(out)
    names = {record['output'][key] for record in records.values() for key in ('image', 'label')}
    return {name: content for name, content in snapshot(out).items() if name in names}


def test_killed_at_every_write_and_begun_again(data):
    out = data.with_name('wta_512_peeling_trial')
    points = 0
    while killed_at(points):
        before, studio = finished(out), FakeStudio()
        assert run(studio, '--word', 'peeling') == 0
        assert len(studio.stems) == len(STEMS) - len(before) // 2
        after = snapshot(out)
        assert {name: after[name] for name in before} == before
        assert [record['id'] for record in read_journal(out / 'manifest.jsonl')] == [
            f'{s}__peeling' for s in STEMS
        ]
        assert all(
            sha256(out / r['output']['image']) == r['output']['image_sha256'] for r in read_records(out).values()
        )
        assert not list((out / 'img_dir').rglob('.*')) + list((out / 'ann_dir').rglob('.*'))
        shutil.rmtree(out)
        points += 1
    assert points > 25, 'the run was hardly killed'


def test_at_most_one_photograph_is_lost(data):
    """Killed while the third is edited: two are done, whatever was begun of the third is made again."""
    out = data.with_name('wta_512_peeling_trial')
    child = os.fork()
    if not child:

        def react(photo, words, rung, call):
            if call == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            run(FakeStudio(react), '--word', 'peeling')
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [*Journal(out, Shard()).records] == ['train_000__peeling', 'train_001__peeling']
    studio = FakeStudio()
    run(studio, '--word', 'peeling')
    assert studio.stems == ['train_002']


@pytest.fixture(autouse=True)
def without_report(monkeypatch):
    """The page is written at the end of a run, whole or not at all; here it would only take time."""
    monkeypatch.setattr('augment.report.write.write_report', lambda out: None)

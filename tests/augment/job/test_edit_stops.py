"""Ctrl-C, a full disk, a folder that cannot be written: one line, nothing half-written, and the way on."""

import errno
import os
import signal
from pathlib import Path

import pytest
from fake_studio import FakeStudio, planned, run, snapshot
from PIL import Image

from augment.dataset.manifest import read_records
from augment.errors import RunError, UsageError
from augment.files import sha256
from augment.job.stopping import Stopper


@pytest.fixture
def out(data):
    return data.with_name('wta_512_peeling_trial')


def is_sound(out):
    """Whether each record's files have its hashes, no edit is without a record, and no file is partial."""
    records = read_records(out)
    for record in records.values():
        for key in ('image', 'label'):
            if key in record['output']:
                assert sha256(out / record['output'][key]) == record['output'][f'{key}_sha256']
    edits = {path.stem for folder in ('img_dir', 'ann_dir') for path in (out / folder).rglob('*__*.png')}
    return edits <= {*records} and not list(out.rglob('*.partial*'))


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_the_model_works(data, out, number):
    def react(photo, words, rung, call):
        if call == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt, match='interrupted: 1 of 3 edits are done; the same command goes on'):
        run(FakeStudio(react), '--word', 'peeling')
    assert is_sound(out)
    before, studio = snapshot(out / 'img_dir'), FakeStudio()
    assert run(studio, '--word', 'peeling') == 0
    assert studio.stems == ['train_001', 'train_002']
    after = snapshot(out / 'img_dir')
    assert {name: after[name] for name in before} == before


def test_ctrl_c_while_files_are_written_waits_until_they_are_whole(data, out, monkeypatch):
    save = Image.Image.save

    def interrupted(image, path, *args, **kwargs):
        if 'train_001__' in str(path) and 'img_dir' in str(path):
            os.kill(os.getpid(), signal.SIGINT)
        save(image, path, *args, **kwargs)

    monkeypatch.setattr(Image.Image, 'save', interrupted)
    with pytest.raises(KeyboardInterrupt, match='2 of 3 edits are done'):
        run(FakeStudio(), '--word', 'peeling')
    assert is_sound(out)
    assert [*read_records(out)] == ['train_000__peeling', 'train_001__peeling']


def test_the_handlers_of_before_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stopper():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize('place', ['img_dir', 'ann_dir', 'masks'])
def test_a_full_disk_stops_the_run_in_one_line(data, out, monkeypatch, place):
    save = Image.Image.save

    def full(image, path, *args, **kwargs):
        save(image, path, *args, **kwargs)
        if 'train_001__' in str(path) and place in str(path):
            os.truncate(path, 20)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, 'save', full)
        with pytest.raises(
            RunError, match='no space left on device; what was finished is safe; make room'
        ) as caught:
            run(FakeStudio(), '--word', 'peeling', '--save-masks')
    assert '\n' not in str(caught.value)
    assert is_sound(out)
    assert [*read_records(out)] == ['train_000__peeling']
    studio = FakeStudio()
    assert run(studio, '--word', 'peeling', '--save-masks') == 0
    assert studio.stems == ['train_001', 'train_002']


def test_a_full_disk_under_the_journal(data, out, monkeypatch):
    write = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def seek(self, *where):
            return self.file.seek(*where)

        def write(self, content):
            return self.file.write(content[:30])

    def opened(path, mode='r', *args, **kwargs):
        file = write(path, mode, *args, **kwargs)
        return Full(file) if mode == 'ab' and path.name == 'manifest.jsonl' else file

    with monkeypatch.context() as patched:
        patched.setattr(Path, 'open', opened)
        with pytest.raises(RunError, match=r'manifest.jsonl: no space left on device'):
            run(FakeStudio(), '--word', 'peeling')
    assert (out / 'manifest.jsonl').read_bytes() == b''
    assert run(FakeStudio(), '--word', 'peeling') == 0
    assert is_sound(out)


def test_an_output_that_cannot_be_written(data):
    with pytest.raises(
        UsageError, match=r'/proc/edits: cannot write there \(.*\); choose another folder with --out'
    ):
        run(FakeStudio(), '--word', 'peeling', '--out', '/proc/edits')


def test_an_output_below_a_file(data):
    with pytest.raises(UsageError, match='cannot write there'):
        run(FakeStudio(), '--word', 'peeling', '--out', data / 'meta.json' / 'edits')
    with pytest.raises(UsageError, match='there already, and not made by this command'):
        planned('--word', 'peeling', '--out', data / 'ann_dir/train/train_000.png')


def test_what_a_killed_process_left_of_an_edit_is_cleared(data, out):
    run(FakeStudio(), '--word', 'peeling', '--limit', '1')
    left = out / 'img_dir/train/.train_001__peeling.4711.partial.png'
    left.write_bytes(b'half')
    (out / 'ann_dir/train/train_001__peeling.png').write_bytes(b'half')
    assert run(FakeStudio(), '--word', 'peeling') == 0
    assert is_sound(out)

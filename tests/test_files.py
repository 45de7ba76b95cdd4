"""Files are replaced whole or not at all."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from mmseg_ext.errors import DataError, UsageError, message, run_command_line
from mmseg_ext.files import folder_problem, remove_partials, replacing, writable_folder, write_json, write_text


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path):
    write_text(tmp_path / 'a.txt', 'old')
    with pytest.raises(RuntimeError), replacing(tmp_path / 'a.txt') as partial:  # noqa: PT012
        partial.write_text('half')
        raise RuntimeError
    assert (tmp_path / 'a.txt').read_text() == 'old'
    assert len(list(tmp_path.iterdir())) == 1


def test_a_write_is_flushed_before_it_takes_the_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, 'fsync', lambda number: seen.append((tmp_path / 'a.txt').exists()))
    write_text(tmp_path / 'a.txt', 'новый')
    assert seen == [False]
    assert (tmp_path / 'a.txt').read_text(encoding='utf-8') == 'новый'


def test_partial_files_keep_their_suffix_match_no_checkpoint_and_are_cleared(tmp_path):
    with replacing(tmp_path / 'iter_5.pth') as partial:
        partial.write_bytes(b'')
        written = partial.stat().st_ino
        assert partial.suffix == '.pth'
        assert not list(tmp_path.glob('iter_*'))
    assert (tmp_path / 'iter_5.pth').stat().st_ino == written  # renamed: a copy could be cut in two
    with replacing(tmp_path / 'x') as partial:
        partial.write_bytes(b'')
    (tmp_path / 'deep').mkdir()
    for name in ('.iter_7.partial.pth', 'deep/.x.partial'):
        (tmp_path / name).write_bytes(b'half')
    remove_partials(tmp_path)
    assert sorted(file.name for file in tmp_path.rglob('*') if file.is_file()) == ['iter_5.pth', 'x']


def test_json_has_null_for_what_json_lacks(tmp_path):
    write_json(tmp_path / 'a.json', {'a': float('nan'), 'b': [1.5, float('inf')], 3: ('é', None)})
    text = (tmp_path / 'a.json').read_text(encoding='utf-8')
    assert json.loads(text) == {'a': None, 'b': [1.5, None], '3': ['é', None]}
    assert 'NaN' not in text
    assert 'é' in text


def test_a_folder_is_made_and_proved(tmp_path):
    assert folder_problem(tmp_path / 'a/b') is None
    assert list(tmp_path.iterdir()) == []
    assert writable_folder(tmp_path / 'a/b').is_dir()
    assert list((tmp_path / 'a/b').iterdir()) == []


@pytest.mark.parametrize('below', ['file', 'file/a', 'file/a/b'])
def test_a_folder_that_cannot_be_is_told(tmp_path, below):
    (tmp_path / 'file').write_text('')
    assert 'is a file; choose another folder' in folder_problem(tmp_path / below)
    with pytest.raises(UsageError, match='cannot write there'):
        writable_folder(tmp_path / below)


def ending(error: BaseException | None, monkeypatch, rank: str = '0') -> int:
    monkeypatch.setenv('RANK', rank)

    def main() -> None:
        if error:
            raise error

    with pytest.raises(SystemExit) as caught:
        run_command_line(main)
    return caught.value.code


def test_every_kind_of_mistake_has_its_code_and_one_line(monkeypatch, capsys):
    for error, code in ((UsageError('bad'), 2), (DataError('bad'), 3), (KeyboardInterrupt(), 130)):
        assert ending(error, monkeypatch) == code
        assert capsys.readouterr().err in ('error: bad\n', 'interrupted\n')
    assert ending(None, monkeypatch) == 0
    with pytest.raises(ZeroDivisionError):
        ending(ZeroDivisionError(), monkeypatch)


def test_only_the_main_process_speaks_unless_another_is_alone(monkeypatch, capsys):
    error = DataError('bad')
    assert ending(error, monkeypatch, rank='1') == 3
    assert capsys.readouterr().err == ''
    error.alone = True
    assert ending(error, monkeypatch, rank='1') == 3
    assert capsys.readouterr().err == 'error: bad\n'


def test_the_stack_of_a_worker_is_left_out():
    text = (
        'Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n'
        '  File "x.py"\nValueError: first\n\nThe above exception was the direct cause\n'
        'mmseg_ext.errors.DataError: images/a.png: cannot be decoded\n'
    )
    assert message(DataError(text)) == 'images/a.png: cannot be decoded'
    assert message(DataError('plain')) == 'plain'


def test_processes_that_write_one_file_do_not_meet(tmp_path):
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=write_often, args=(tmp_path / 'a.txt',)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ['a.txt']


def write_often(path: Path) -> None:
    for _ in range(30):
        write_text(path, 'text')


def test_relative_paths_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text('a.txt', 'x')
    assert folder_problem(Path('runs/a')) is None
    assert (tmp_path / 'a.txt').read_text() == 'x'

"""The cache of decoded arrays: never over its budget, never in the way."""

import logging
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest
from cache_files import HOUR, Maker, entries, promised, source, used

from mmseg_ext.datasets import cache as cache_module
from mmseg_ext.datasets import cache_budget
from mmseg_ext.datasets.cache import ArrayCache
from mmseg_ext.datasets.cache_budget import LEDGER
from mmseg_ext.datasets.cache_entry import layout, source_state


@pytest.fixture(autouse=True)
def unsaid(monkeypatch):
    """No warning has been given yet."""
    monkeypatch.setattr(cache_module, '_said', set())


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What is said in the log."""
    lines = []
    monkeypatch.setattr(
        cache_module,
        'print_log',
        lambda text, logger, level: lines.append(text) if level == logging.WARNING else None,
    )
    return lines


def test_the_budget_holds_over_all_who_share_the_folder_and_this_is_said_once(tmp_path, said):
    files = [source(tmp_path / f'{k}.jpg') for k in range(6)]
    size = layout(source_state(files[0]), Maker()(files[0]))[2]
    caches = [ArrayCache(tmp_path / 'cache', 3.5 * size / 1e9) for _ in range(2)]
    make = Maker()
    for _ in range(3):
        for number, file in enumerate(files):
            assert caches[number % 2].fetch(file, make)['img'][0, 0, 0] == ord('a')
    assert len(entries(tmp_path / 'cache')) == 3
    assert used(tmp_path / 'cache') == promised(tmp_path / 'cache') <= 3.5 * size
    assert make.calls == 3 + 3 * 3
    assert len(said) == 1
    assert 'GB are used up' in said[0]
    larger = ArrayCache(tmp_path / 'cache', 1)
    for file in files:
        larger.fetch(file, make)
    assert len(entries(tmp_path / 'cache')) == 6


def test_entries_without_a_source_make_room(tmp_path, monkeypatch, said):
    files = [source(tmp_path / f'{k}.jpg') for k in range(4)]
    size = layout(source_state(files[0]), Maker()(files[0]))[2]
    for file in files[:3]:
        ArrayCache(tmp_path / 'cache', 3.5 * size / 1e9).fetch(file, Maker())
    files[0].unlink()
    source(files[1], b'changed')
    abandoned = source(tmp_path / f'cache/.{10**9}.x.partial', age=2 * HOUR)
    fresh = source(tmp_path / f'cache/.{size}.y.partial', age=0)
    monkeypatch.setattr(cache_budget, 'RECOUNT', 0)
    ArrayCache(tmp_path / 'cache', 3.5 * size / 1e9).fetch(files[3], Maker())
    assert len(entries(tmp_path / 'cache')) == 2
    assert not abandoned.exists()
    assert fresh.exists()
    assert promised(tmp_path / 'cache') == 3 * size
    assert said == []


@pytest.mark.parametrize('content', ['', 'garbage', '{"bytes": "x", "counted": 0}', '[1]'])
def test_a_damaged_ledger_is_counted_anew(tmp_path, content):
    cache = ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(source(tmp_path / 'a.jpg'), Maker())
    (tmp_path / 'cache' / LEDGER).write_text(content)
    cache.fetch(source(tmp_path / 'b.jpg'), Maker())
    assert promised(tmp_path / 'cache') == used(tmp_path / 'cache') > 0


def test_the_folder_may_be_deleted_at_any_moment(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    for number in range(3):
        held = cache.fetch(file, make)['img']
        shutil.rmtree(tmp_path / 'cache')
        assert held[-1, 0, 0] == ord('a')
        assert make.calls == number + 1


def test_space_for_checkpoints_is_left_on_the_disk(tmp_path, monkeypatch, said):
    looks = []

    def nearly_full(path):
        looks.append(path)
        return shutil._ntuple_diskusage(10**12, 10**12, 10**9)

    monkeypatch.setattr(shutil, 'disk_usage', nearly_full)
    cache, make = ArrayCache(tmp_path / 'cache', 1), Maker()
    for _ in range(2):
        cache.fetch(source(tmp_path / 'a.jpg'), make)
    assert make.calls == 2
    assert len(looks) == len(said) == 1
    assert 'disk has less than 2 GB left' in said[0]


def test_a_disk_that_fills_up_while_writing_leaves_nothing_behind(tmp_path, monkeypatch, said):
    def fail(file, state, arrays):
        file.write(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(cache_module, 'write_entry', fail)
    cache, make = ArrayCache(tmp_path / 'cache', 1), Maker()
    for name in ('a', 'b'):
        assert cache.fetch(source(tmp_path / name), make)['img'].any()
    assert [file.name for file in (tmp_path / 'cache').iterdir()] == [LEDGER]
    assert promised(tmp_path / 'cache') == 0
    assert len(said) == 1
    assert 'No space left on device' in said[0]


@pytest.mark.parametrize('trouble', ['file in its place', 'read-only', 'no locks'])
def test_a_folder_that_cannot_be_written_is_said_once_and_what_is_there_is_used(
    tmp_path, monkeypatch, said, trouble
):
    folder, make = tmp_path / 'cache', Maker()
    files = [source(tmp_path / name) for name in ('a', 'b', 'c')]

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    if trouble == 'file in its place':
        folder.write_text('')
    else:
        ArrayCache(folder, 1).fetch(files[0], Maker())
        monkeypatch.setattr(
            *((Path, 'touch') if trouble == 'read-only' else (cache_budget.fcntl, 'flock')), refuse
        )
    cache = ArrayCache(folder, 1)
    for file in files * 2:
        assert cache.fetch(file, make)['img'].any()
    assert make.calls == (6 if trouble == 'file in its place' else 4)
    assert len(said) == 1


@pytest.mark.parametrize(('worker', 'rank', 'speaks'), [(None, '0', 1), (0, '0', 1), (1, '0', 0), (0, '1', 0)])
def test_of_many_workers_and_processes_the_first_one_speaks(monkeypatch, said, worker, rank, speaks):
    info = None if worker is None else type('Info', (), {'id': worker})
    monkeypatch.setattr(cache_module, 'get_worker_info', lambda: info)
    monkeypatch.setenv('RANK', rank)
    for _ in range(2):
        cache_module._say_once('full')
    assert len(said) == speaks


def fill(folder: Path, files: list[Path], gb: float, seed: int, failures: multiprocessing.Queue) -> None:
    """What one worker of one run does."""
    cache, make = ArrayCache(folder, gb), Maker()
    for _ in range(3):
        for k in np.random.default_rng(seed).permutation(len(files)):
            arrays = cache.fetch(files[k], make)
            if not (arrays['img'] == ord('a') + k).all() or arrays['ends'][1, 2] != 5:
                failures.put(k)


def test_many_processes_fill_one_folder(tmp_path, said):
    files = [source(tmp_path / f'{k}.jpg', bytes([ord('a') + k])) for k in range(12)]
    size = layout(source_state(files[0]), Maker()(files[0]))[2]
    context = multiprocessing.get_context('fork')
    failures = context.Queue()
    gb = 8.5 * size / 1e9
    arguments = [(tmp_path / 'cache', files, gb, seed, failures) for seed in range(6)]
    workers = [context.Process(target=fill, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert failures.empty()
    assert 1 <= len(entries(tmp_path / 'cache')) <= 8
    assert used(tmp_path / 'cache') == promised(tmp_path / 'cache')
    assert not list((tmp_path / 'cache').glob('.*.partial'))


@pytest.mark.parametrize('gb', [0, -1, float('nan')])
def test_a_budget_of_nothing_is_refused(gb):
    with pytest.raises(ValueError, match=r'more than 0 GB, got .*leave the cache out'):
        ArrayCache('x', gb)


def test_a_missing_source_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.jpg'):
        ArrayCache(tmp_path / 'cache', 1).fetch(tmp_path / 'none.jpg', Maker())

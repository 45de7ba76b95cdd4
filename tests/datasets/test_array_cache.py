"""The cache of decoded arrays: never stale, never wrong."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from cache_files import HOUR, Maker, entries, promised, source, used

from mmseg_ext.datasets.cache import ArrayCache
from mmseg_ext.datasets.cache_budget import LEDGER
from mmseg_ext.datasets.cache_entry import layout, read_entry, source_state, write_entry


def test_the_second_time_and_another_process_read_what_was_made(tmp_path):
    file, make = source(tmp_path / 'a.jpg'), Maker()
    first = ArrayCache(tmp_path / 'cache', 1).fetch(file, make)
    again = ArrayCache(tmp_path / 'cache', 1).fetch(str(file), make)
    assert make.calls == 1
    for name, array in first.items():
        assert np.array_equal(again[name], array)
        assert again[name].dtype == array.dtype
    assert promised(tmp_path / 'cache') == used(tmp_path / 'cache')
    assert [f.suffix for f in (tmp_path / 'cache').iterdir() if f.name != LEDGER] == ['.arrays']


def test_what_is_read_is_mapped_and_writing_to_it_changes_no_file(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    mapped = cache.fetch(file, make)['img']
    assert not mapped.flags.owndata
    content = entries(tmp_path / 'cache')[0].read_bytes()
    mapped[:] = 9
    assert entries(tmp_path / 'cache')[0].read_bytes() == content
    assert cache.fetch(file, make)['img'][0, 0, 0] == ord('a')


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='memory is read from /proc')
def test_only_the_pages_of_the_window_become_resident(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg'), Maker(5_000_000), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)  # 60 MB
    before = resident()
    held = [cache.fetch(file, make)['img'] for _ in range(10)]
    assert all(image[2_000_000:2_010_000].sum() for image in held)
    assert make.calls == 1
    assert resident() - before < 30_000_000


def test_a_changed_file_is_never_served_stale_and_replaces_its_entry(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg', b'aa'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    for content, age in ((b'bb', 2 * HOUR), (b'ccc', 2 * HOUR), (b'dd', HOUR)):
        source(file, content, age)
        for _ in range(2):
            assert cache.fetch(file, make)['img'][0, 0, 0] == content[0]
    assert make.calls == 4
    assert len(entries(tmp_path / 'cache')) == 1
    assert promised(tmp_path / 'cache') == used(tmp_path / 'cache')


def test_a_file_rewritten_under_its_old_time_is_noticed(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg', b'a'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    stat = file.stat()
    time.sleep(0.02)
    file.write_bytes(b'b')
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.fetch(file, make)['img'][0, 0, 0] == ord('b')


def test_a_file_of_this_moment_is_not_kept_yet(tmp_path):
    file, make, cache = source(tmp_path / 'a.jpg', age=0), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    assert not (tmp_path / 'cache').exists()
    source(file)
    cache.fetch(file, make)
    assert len(entries(tmp_path / 'cache')) == 1


def test_another_decoder_makes_another_array(tmp_path, monkeypatch):
    file, make, cache = source(tmp_path / 'a.jpg'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    monkeypatch.setattr('cv2.__version__', '99.0')
    cache.fetch(file, make)
    assert make.calls == 2


@pytest.mark.parametrize(
    'damage',
    ['cut', 'cut to the header', 'empty', 'header', 'number', 'magic', 'longer', 'text', 'folder', 'gone'],
)
def test_a_damaged_entry_is_made_anew(tmp_path, damage):
    file, make, cache = source(tmp_path / 'a.jpg'), Maker(), ArrayCache(tmp_path / 'cache', 1)
    cache.fetch(file, make)
    entry = entries(tmp_path / 'cache')[0]
    content = entry.read_bytes()
    entry.unlink()
    damaged = {
        'cut': content[:-1],
        'cut to the header': content[:100],
        'empty': b'',
        'header': content[:30] + b'#' + content[31:],
        'number': content.replace(b'[1000,', b'[1001,', 1),
        'magic': b'#' + content[1:],
        'longer': content + b'#',
        'text': b'nothing of the kind' * 500,
    }
    if damage in damaged:
        entry.write_bytes(damaged[damage])
    elif damage == 'folder':
        entry.mkdir()
    assert cache.fetch(file, make)['img'][0, 0, 0] == ord('a')
    assert make.calls == 2
    if damage != 'folder':
        cache.fetch(file, make)
        assert make.calls == 2
        assert entry.read_bytes() == content


def test_an_entry_larger_than_the_first_read_of_its_header(tmp_path):
    arrays = {f'array{k}': np.full(k, k) for k in range(300)}
    state = source_state(source(tmp_path / 'a'))
    with (tmp_path / 'entry').open('wb') as file:
        write_entry(file, state, arrays)
    assert (tmp_path / 'entry').stat().st_size == layout(state, arrays)[2]
    read = read_entry(tmp_path / 'entry', state)
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())
    assert all(array.ctypes.data % 64 == 0 for array in read.values())

"""The one line that is told about a run that ended early, out of what its process has printed."""

from pathlib import Path

import pytest

from mmseg_ext.sweeps.engines.reasons import failure_reason, last_attempt
from mmseg_ext.sweeps.jobs import LOG

TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    main()
    ^^^^^^
  File "b.py", line 2, in main
    raise {0}
{0}
"""
IN_A_LOADER = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
RuntimeError: Caught IndexError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "b.py", line 2, in fetch
IndexError: list index out of range
"""
CUDA = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 GiB.'


def reason(folder: Path, text: str, code: int = 1) -> str:
    (folder / LOG).write_text(text)
    return failure_reason(folder / LOG, code)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('error: no such data\n', 'no such data'),
        ('worker.py: error: unrecognized arguments: --sed 1\n', 'unrecognized arguments: --sed 1'),
        ('error: a: no such key\n       b: nor this\nend\n', 'a: no such key; b: nor this'),
        (TRACEBACK.format('ValueError: 7 of 3'), 'ValueError: 7 of 3'),
        (TRACEBACK.format('ValueError: a') + '\nDuring …:\n\n' + TRACEBACK.format('KeyError: b'), 'KeyError: b'),
        (TRACEBACK.format('OSError: a loader told') + 'error: the reason\n', 'the reason'),
        ('error: an old one\n' + TRACEBACK.format('OSError: the reason'), 'OSError: the reason'),
        (IN_A_LOADER, 'IndexError: list index out of range'),
        ('loss: 1.2\nthe mean error: is not meant\n', 'ended with exit code 1 and without a word'),
        ('', 'ended with exit code 1 and without a word'),
    ],
)
def test_what_the_run_said_last_is_the_reason(tmp_path, text, said):
    assert reason(tmp_path, text) == said
    assert reason(tmp_path, 'error: of an earlier attempt\n=== 2026-01-01 python\n' + text) == said


@pytest.mark.parametrize(
    'line',
    [
        'error: the first batch fails: Unable to allocate 27.9 GiB for an array with shape (9, 9)',
        'MemoryError',
        'numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array',
        CUDA,
        "RuntimeError: [enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you …",
        'RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed.',
    ],
)
def test_without_memory_the_cure_is_told_first(tmp_path, line):
    said = reason(tmp_path, line if line.startswith('error') else TRACEBACK.format(line))
    assert said.startswith('out of memory; lower train_dataloader.batch_size or the number of runs at once')
    assert said.endswith(line.removeprefix('error: '))


def test_a_cure_that_the_run_has_told_is_not_told_twice(tmp_path):
    line = 'error: the GPU has no memory left (CUDA out of memory.); lower train_dataloader.batch_size\n'
    assert reason(tmp_path, line).count('batch_size') == 1


def test_a_signal_is_the_reason_whatever_stands_in_the_log(tmp_path):
    assert reason(tmp_path, 'error: no such data\n', -9) == 'killed by signal 9 (out of memory?)'
    assert reason(tmp_path, TRACEBACK.format('OSError'), -11) == 'killed by signal 11 (SIGSEGV)'


def test_a_process_without_a_log(tmp_path):
    assert failure_reason(tmp_path / LOG, 2) == 'ended with exit code 2 and without a word'


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    text = '=== start\n' + 'ä' * 10**6 + '\nerror: at last\n'
    assert reason(tmp_path, text) == 'at last'
    assert len(last_attempt(tmp_path / LOG)) < 10**5

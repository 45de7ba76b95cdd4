"""Turn SIGINT and SIGTERM into a request that the running iteration can finish first."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A terminal and a launcher both pass one Ctrl-C on, so two signals within these seconds are one request.
SAME = 2.0
_received: list[tuple[signal.Signals, float]] = []


def requested() -> signal.Signals | None:
    """The signal that asked this process to stop, or None."""
    return _received[0][0] if _received else None


@contextmanager
def listening() -> Iterator[None]:
    """Within the block a first signal is only remembered; a later second one acts at once, as outside."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; a run inside a worker thread is stopped by its owner
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    main_process = os.getpid()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def remember(number: int, frame: Any) -> None:
        if os.getpid() != main_process:
            return  # a loader's worker, which ends when its parent says so
        if not _received and os.environ.get('RANK', '0') == '0':
            line = b'finishing this iteration, then saving; once more stops at once\n'
            os.write(2, b'\n' + line if os.isatty(2) else line)  # a terminal has shown ^C behind what was there
        if _received and time.monotonic() - _received[0][1] > SAME:
            restore()
            signal.raise_signal(number)
        _received.append((signal.Signals(number), time.monotonic()))

    try:
        for number in SIGNALS:
            signal.signal(number, remember)
        yield
    finally:
        _received.clear()
        restore()

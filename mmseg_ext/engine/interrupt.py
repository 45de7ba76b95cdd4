"""Turn SIGINT and SIGTERM into a request that the running iteration can finish first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received: list[signal.Signals] = []


def requested() -> signal.Signals | None:
    """The signal that asked this process to stop, or None."""
    return _received[0] if _received else None


@contextmanager
def listening() -> Iterator[None]:
    """Within the block a first signal is only remembered; a second one acts at once, in case nothing listens."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; a run inside a worker thread is stopped by its owner
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def remember(number: int, frame: Any) -> None:
        _received.append(signal.Signals(number))
        for name, handler in previous.items():
            signal.signal(name, handler)

    try:
        for number in SIGNALS:
            signal.signal(number, remember)
        yield
    finally:
        _received.clear()
        for number, handler in previous.items():
            signal.signal(number, handler)

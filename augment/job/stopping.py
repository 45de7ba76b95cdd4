"""Ctrl-C and a request to end: at once while the model works, after the files are whole while they are written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Within its ``with`` block a signal becomes a KeyboardInterrupt, but never within ``writing()``."""

    def __init__(self) -> None:
        self._writing = self._asked = False

    def __enter__(self) -> 'Stopper':
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._writing:
            raise KeyboardInterrupt

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A signal waits for the end of this block."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
        if self._asked:
            raise KeyboardInterrupt

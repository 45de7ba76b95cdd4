"""The processes that draw."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

import cv2


def drawing_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of so many processes, of one thread each."""
    # Spawned, not forked: a fork of a process that has used OpenCV's threads may hang.
    return ProcessPoolExecutor(workers, multiprocessing.get_context('spawn'), initializer=_start)


def _start() -> None:
    """One thread each; an interrupt is answered by the main process alone."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

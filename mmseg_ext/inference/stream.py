"""Work that goes on in threads while the main thread does something else, in order and within bounds."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item, Result = TypeVar('Item'), TypeVar('Result')


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 1, ahead: int = 2
) -> Iterator[Result]:
    """``map(function, items)`` in ``workers`` threads, in order, with at most ``ahead`` results not yet asked for.

    The items themselves are drawn in the thread that asks for results. An exception is raised where its result
    would have come; what has not begun by then is dropped.
    """
    pool, pending = ThreadPoolExecutor(workers), deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            del item
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

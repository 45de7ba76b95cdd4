"""Threads that work ahead, in order and not farther than allowed."""

import threading
import time

import pytest

from mmseg_ext.inference.stream import map_ahead


def test_results_come_in_order():
    def slow_first(item: int) -> int:
        time.sleep(0.05 if item == 0 else 0)
        return item * item

    assert list(map_ahead(slow_first, range(20), workers=4, ahead=4)) == [k * k for k in range(20)]
    assert list(map_ahead(slow_first, [])) == []


def test_items_are_drawn_here_and_no_farther_than_allowed():
    drawn, places = [], set()

    def items():
        for k in range(10):
            places.add(threading.current_thread())
            drawn.append(k)
            yield k

    results = map_ahead(lambda k: threading.current_thread(), items(), workers=1, ahead=2)
    worker = next(results)
    assert drawn == [0, 1, 2]
    assert places == {threading.current_thread()}
    assert worker is not threading.current_thread()
    results.close()
    assert drawn == [0, 1, 2]


def test_work_goes_on_while_nobody_asks():
    done = threading.Event()
    results = map_ahead(lambda k: done.set() if k else None, range(2), ahead=1)
    next(results)
    assert done.wait(5)
    results.close()


def test_an_error_comes_where_its_result_would():
    results = map_ahead(lambda k: 1 // k, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)

"""How far runs are, by their logs, and how long the rest takes."""

from pathlib import Path

import pytest

from mmseg_ext.sweeps.jobs import LOG, Job
from mmseg_ext.sweeps.progress import pace as module
from mmseg_ext.sweeps.progress.pace import Pace, share_done


@pytest.fixture
def clock(monkeypatch):
    """A list whose last entry is the time."""
    times = [1000.0]
    monkeypatch.setattr(module.time, 'monotonic', lambda: times[-1])
    return times


def job(folder: Path, *iterations: int, earlier: str = '') -> Job:
    """A run of 100 iterations whose log has come to the last one of ``iterations``."""
    lines = [f'01/01 - INFO - Iter(train) [{i:>3}/100]  lr: 1e-2  eta: 0:00:01' for i in iterations]
    folder.mkdir(exist_ok=True)
    (folder / LOG).write_text('\n'.join([earlier, '=== now', *lines, '01/01 - INFO - Iter(val) [ 9/10]']))
    return Job(Path('recipe.py'), folder)


def test_the_share_of_a_run_is_that_of_its_last_line_of_training(tmp_path):
    assert share_done(job(tmp_path, 10, 25)) == 0.25
    assert share_done(job(tmp_path, 100)) == 1.0
    assert share_done(job(tmp_path)) is None
    assert share_done(job(tmp_path, earlier='=== before\nIter(train) [ 80/100]')) is None
    assert share_done(Job(Path('recipe.py'), tmp_path / 'not begun')) is None


def test_nothing_is_known_before_the_first_progress(clock, tmp_path):
    pace = Pace()
    clock.append(1060.0)
    pace.look([job(tmp_path / 'a')])
    assert pace.seconds_left(4) is None


def test_the_rest_takes_as_long_as_what_was_done(clock, tmp_path):
    """One run of 100 s finished and half of another one: 150 s of one slot; 2.5 of 4 runs are left."""
    pace, running = Pace(), job(tmp_path / 'b', 0)
    pace.look([running])
    clock.append(1100.0)
    pace.end(job(tmp_path / 'a'), finished=True)
    clock.append(1150.0)
    pace.look([job(tmp_path / 'b', 50)])
    assert pace.under_way == 0.5
    assert pace.seconds_left(3) == pytest.approx(150 / 1.5 * 2.5)
    clock.append(1200.0)
    pace.end(running, finished=True)
    assert pace.under_way == 0
    assert pace.seconds_left(2) == pytest.approx(200.0)


def test_what_a_resumed_run_brings_is_no_work_done_now(clock, tmp_path):
    """From iteration 80 to 90 in 10 s: the other 10 take as long, and a whole run 100 s."""
    pace = Pace()
    pace.look([job(tmp_path / 'a', 80)])
    assert pace.seconds_left(2) is None
    clock.append(1010.0)
    pace.look([job(tmp_path / 'a', 90)])
    assert pace.seconds_left(2) == pytest.approx(110.0)
    clock.append(1020.0)
    pace.end(job(tmp_path / 'a'), finished=True)
    assert pace.seconds_left(1) == pytest.approx(100.0)


def test_of_a_failed_run_only_what_it_has_done_counts(clock, tmp_path):
    pace = Pace()
    pace.look([job(tmp_path / 'a', 0), job(tmp_path / 'b', 0)])
    clock.append(1050.0)
    pace.look([job(tmp_path / 'a', 25), job(tmp_path / 'b', 25)])
    pace.end(job(tmp_path / 'a'), finished=False)
    assert pace.seconds_left(1) == pytest.approx(50 / 0.5 * 0.75)


def test_the_time_before_the_first_progress_is_no_measure_of_pace(clock, tmp_path):
    """A minute to start, then a tenth of the run in 10 s."""
    pace = Pace()
    clock.append(1060.0)
    pace.look([job(tmp_path / 'a', 1)])
    clock.append(1070.0)
    pace.look([job(tmp_path / 'a', 11)])
    assert pace.seconds_left(1) == pytest.approx(89.0)

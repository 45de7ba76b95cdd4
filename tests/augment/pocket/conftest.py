"""One pocket model of a few steps, trained and written as any other, for all tests that only read it."""

from functools import partial

import pytest
from captioned_windows import make_windows
from rich.console import Console


@pytest.fixture(scope='session')
def words_folder(tmp_path_factory):
    """Sixteen captioned windows of 64 pixels, two of them of split val."""
    return make_windows(tmp_path_factory.mktemp('words'), 16, size=64)


@pytest.fixture(scope='session')
def tiny_job(tmp_path_factory, words_folder):
    """A training of two steps a stage; nothing has run yet."""
    from augment.job.device import find_place
    from augment.pocket.job import Job
    from augment.pocket.settings import StageSettings, TrainSettings

    root = tmp_path_factory.mktemp('pocket')
    stage = StageSettings(steps=2, batch=2, rate=1e-3)
    settings = TrainSettings(seed=3, vae=stage, unet=stage, crop=32)
    console = Console(stderr=True)
    return Job(words_folder, root / 'model', root / 'work', settings, find_place('cpu'), console)


@pytest.fixture(scope='session')
def trained(tiny_job):
    """The pipeline of ``tiny_job``, whose folder is written; samples in two steps instead of thirty."""
    from augment.pocket import facts, job, measure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, 'ROWS', 1)
        patch.setattr(facts.measure, 'draw', partial(measure.draw, steps=2))
        return job.run(tiny_job)

"""Runs with random weights for all tests of prediction."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_project import Project, make_project
from untrained_run import UNET, make_untrained_run


@pytest.fixture(scope='session')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def make_run(project, tmp_path) -> Callable[..., Path]:
    """``make_run(model=a small U-Net, pipeline=None, name='run')``: the folder of a run."""

    def make(model: dict = UNET, pipeline: list[dict] | None = None, name: str = 'run') -> Path:
        return make_untrained_run(project, tmp_path / name, model, pipeline)

    return make

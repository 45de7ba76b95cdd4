"""One tiny project, and one finished run of it, for all tests of the engine."""

from pathlib import Path

import pytest
from tiny_project import Project, copy_project, make_project

from mmseg_ext.engine.training import train


@pytest.fixture(scope='session')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def own_project(project, tmp_path) -> Project:
    """A project whose data the test may spoil."""
    return copy_project(project, tmp_path)


@pytest.fixture(scope='session')
def finished(project, tmp_path_factory) -> Path:
    """The folder of a finished run. Tests only read it."""
    folder = tmp_path_factory.mktemp('finished')
    train(project.config(), folder)
    return folder

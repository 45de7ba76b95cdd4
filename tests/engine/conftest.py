"""One tiny project, and one finished run of it, for all tests of the engine."""

import shutil
from pathlib import Path

import pytest
from tiny_project import Project, make_project

from mmseg_ext.engine.training import train


@pytest.fixture(scope='session')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def own_project(project, tmp_path) -> Project:
    """A project whose data the test may spoil."""
    shutil.copytree(project.data, tmp_path / 'mine')
    recipe = tmp_path / 'configs/tiny/tiny.py'
    shutil.copytree(project.root / 'configs', tmp_path / 'configs')
    base = tmp_path / 'configs/_base_/datasets/mine.py'
    base.write_text(base.read_text().replace(str(project.data), str(tmp_path / 'mine')))
    return Project(tmp_path, tmp_path / 'mine', recipe)


@pytest.fixture(scope='session')
def finished(project, tmp_path_factory) -> Path:
    """The folder of a finished run. Tests only read it."""
    folder = tmp_path_factory.mktemp('finished')
    train(project.config(), folder)
    return folder

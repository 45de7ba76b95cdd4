"""A prepared set in one call."""

from pathlib import Path

import pytest

from mmseg_ext.datasets.prepare import Options, Prepared, prepare_set


@pytest.fixture
def prepare(tmp_path):
    """``prepare(source, folder of the download, **options)`` → what was prepared in ``tmp_path/out``."""

    def call(name: str, src: Path, out: str = 'out', **options) -> Prepared:
        return prepare_set(name, Options(src, tmp_path / out, workers=2, **options))

    return call

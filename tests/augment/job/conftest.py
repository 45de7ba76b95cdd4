"""Three photographs with two classes of defects, and the folder of data sets they are in."""

from pathlib import Path

import pytest
from synthetic import make_dataset


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """``wta_512`` of three training photographs of 64 x 80 pixels, all with defects, under MMSEG_EXT_DATA."""
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path / 'data'))
    monkeypatch.chdir(tmp_path)
    return make_dataset(tmp_path / 'data/wta_512', counts=dict(train=3, val=1, test=1), ignore_rows=2)

"""The check against the published counts of three real sets, where these are on this machine."""

import json
import os
from pathlib import Path

import pytest

from mmseg_ext.datasets.check import check_split

ROOT = Path(os.environ.get('MMSEG_EXT_DATA', 'data'))
SETS = ('magnetic_tile', 'crackforest', 'camvid11')

pytestmark = pytest.mark.skipif(
    not (ROOT / 'magnetic_tile').is_dir(), reason='MMSEG_EXT_DATA names no folder with magnetic_tile'
)


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
@pytest.mark.parametrize('name', SETS)
def test_counts_agree_with_the_published_ones(name, split):
    meta = json.loads((ROOT / name / 'meta.json').read_text())
    expected = meta['stats'][split]
    report = check_split(ROOT / name / 'img_dir' / split, ROOT / name / 'ann_dir' / split, meta['classes'])
    assert report.problems == []
    assert report.images == report.checked == expected['images']
    assert report.images_with.tolist() == list(expected['images_with'].values())
    assert 100 * report.shares == pytest.approx(list(expected['pct'].values()), abs=6e-5)
    assert report.pixels.sum() + report.ignored == expected['pixels']
    assert 100 * report.ignored / expected['pixels'] == pytest.approx(expected['ignored_pct'], abs=6e-4)

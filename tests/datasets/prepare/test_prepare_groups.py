"""Pictures of one object are found: by key, running number, thumbnail and overlapping view."""

import csv
import os
import re
from itertools import combinations
from pathlib import Path

import cv2
import downloads
import numpy as np
import pytest

from mmseg_ext.datasets.prepare.download import Item
from mmseg_ext.datasets.prepare.groups import alike_thumbnails, equal_keys, group_by_links, near_numbers
from mmseg_ext.datasets.prepare.overlap import Features, find_features, inliers, matches, overlapping
from mmseg_ext.datasets.prepare.sources.magnetic_tile import same_tile

ROOT = Path(os.environ.get('MMSEG_EXT_DATA', 'data'))
real = pytest.mark.skipif(
    not (ROOT / 'magnetic_tile').is_dir(), reason='MMSEG_EXT_DATA names no folder with magnetic_tile'
)


def item(path: Path) -> Item:
    return Item(path.stem, path, path, lambda: None)


def scene(seed: int, size: tuple[int, int] = (220, 300)) -> np.ndarray:
    """A picture with corners and blobs at several scales."""
    coarse = downloads.noise(seed, (size[0] // 10, size[1] // 10), None)
    fine = downloads.noise(seed + 1, size, None)
    return cv2.addWeighted(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 0.8, fine, 0.2, 0)


def test_groups_are_transitive_and_numbered_by_first_occurrence():
    assert group_by_links(6, [(4, 1), (1, 5), (2, 3)]).tolist() == [0, 1, 2, 2, 1, 1]
    assert group_by_links(3, []).tolist() == [0, 1, 2]


def test_equal_keys_without_none():
    assert list(equal_keys(['a', None, 'b', 'a', None, 'a'])) == [(0, 3), (3, 5)]


def test_near_numbers_up_to_the_gap():
    assert list(near_numbers([1000, 400, 701, 100], 300)) == [(3, 1), (2, 0)]


def test_thumbnails_know_no_exposure(tmp_path):
    first = downloads.noise(0, (64, 64), None)
    dim = (first * 0.4 + 30).astype(np.uint8)
    shades = [np.full((64, 64), 9, np.uint8), np.full((30, 64), 7, np.uint8)]
    arrays = [first, downloads.noise(1, (64, 64), None), dim, *shades]
    paths = [downloads.save(tmp_path / f'{index}.png', array) for index, array in enumerate(arrays)]
    assert list(alike_thumbnails(paths, 0.985)) == [(0, 2)]


def test_overlapping_views_whatever_the_shift_turn_and_scale(tmp_path):
    wide = scene(0)
    turned = cv2.warpAffine(wide, cv2.getRotationMatrix2D((150, 110), 25, 0.9), (300, 220))
    pictures = [wide[:, :220], wide[:, 90:], scene(5)[:, :220], np.full((90, 90), 80, np.uint8), turned]
    paths = [downloads.save(tmp_path / f'{index}.png', picture) for index, picture in enumerate(pictures)]
    assert set(overlapping([item(path) for path in paths])) == {(0, 1), (0, 4), (1, 4)}


def test_a_match_is_mutual_and_clear():
    """The third has two almost equal candidates; the fourth prefers one who is nearer to the first."""
    first = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0.8, 0, 0, 0.6]], np.float32)
    second = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0.8, -0.6], [0, 0, 0.78, -0.62]], np.float32)
    assert matches(first, second).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(('shared', 'expected'), [(9, 0), (10, 10), (12, 12)])
def test_ten_matches_under_one_homography_are_an_overlap(shared, expected):
    """Descriptors are unit vectors, of which ``shared`` occur in both pictures, the second shifted by (7, -3)."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 300, (30, 2)).astype(np.float32)
    own, other = np.eye(60, 128, dtype=np.float32), np.eye(60, 128, k=60, dtype=np.float32)
    second = np.concatenate([own[:shared], other[: 30 - shared]])
    assert inliers(Features(points, own[:30]), Features(points + np.float32([7, -3]), second)) == expected


@real
def test_tiles_agree_with_the_published_groups():
    """Groups of the subset in the folder: none joins what is apart there, and nine of ten pairs are found.

    The rest was linked there by exposures that the subset lacks.
    """
    rows = read_index('magnetic_tile')
    items = [item(ROOT / 'magnetic_tile/img_dir' / row['split'] / f'{row["name"]}.jpg') for row in rows]
    assert all(re.search(r'num_\d+', each.name) for each in items)
    ours = group_by_links(len(items), same_tile(items))
    both, only_ours, only_theirs = agreement(ours.tolist(), [row['group'] for row in rows])
    assert only_ours == 0
    assert both / (both + only_theirs) > 0.9


@real
@pytest.mark.parametrize(('first', 'second', 'same'), [
    ('001', '095', True), ('064', '115', True), ('084', '085', True), ('075', '077', True),
    ('067', '084', False), ('020', '090', False), ('012', '103', False),
])  # fmt: skip
def test_roads_agree_with_the_published_groups(first, second, same):
    """Among them the weakest of the overlapping pairs and the three others with the most matches."""
    found = [
        find_features(next((ROOT / 'crackforest/img_dir').rglob(f'cfd_{number}.jpg')))
        for number in (first, second)
    ]
    assert (inliers(*found) >= 10) == same


def read_index(name: str) -> list[dict]:
    with (ROOT / name / 'index.csv').open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def agreement(ours: list, theirs: list) -> tuple[int, int, int]:
    """Pairs of pictures that both, only we, only they keep together."""
    pairs = list(combinations(range(len(ours)), 2))
    mine = {(a, b) for a, b in pairs if ours[a] == ours[b]}
    other = {(a, b) for a, b in pairs if theirs[a] == theirs[b]}
    return len(mine & other), len(mine - other), len(other - mine)

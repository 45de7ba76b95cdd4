"""Overlapping views of one scene: local features that match under one homography.

SIFT (Lowe 2004) with the square root of its normalised descriptors (Arandjelović and Zisserman 2012), matched both
ways with the ratio test, and a homography found by RANSAC. Shifted, turned and rescaled views are found, which
thumbnails cannot. The time grows with the square of the number of pictures: about 5 ms a pair.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmseg_ext.datasets.prepare.download import Item, Progress
from mmseg_ext.datasets.prepare.groups import Link, read_grey

LONGEST = 1024  # side in pixels; larger pictures are looked at in this size
FEATURES = 1000  # the strongest of a picture
RATIO = 0.8  # a match must be so much nearer than the second best
SHIFT = 3.0  # pixels that an inlier may be off
INLIERS = 10  # in CrackForest, overlapping views have 15 or more, others 8 or fewer


class Features(NamedTuple):
    """``points`` (n, 2) in pixels, ``descriptors`` (n, 128) of length 1."""

    points: np.ndarray
    descriptors: np.ndarray


def overlapping(items: Sequence[Item], progress: Progress | None = None) -> Iterator[Link]:
    """Links between items whose pictures overlap."""
    features = []
    for done, item in enumerate(items, start=1):
        features.append(find_features(item.image))
        if progress:
            progress('finding features', done, len(items))
    total = len(items) * (len(items) - 1) // 2
    for done, (a, b) in enumerate(combinations(range(len(items)), 2), start=1):
        if inliers(features[a], features[b]) >= INLIERS:
            yield a, b
        if progress:
            progress('comparing views', done, total)


def find_features(path: Path) -> Features:
    """Up to ``FEATURES`` features of a picture; none in one of a single shade."""
    grey = read_grey(path)
    scale = LONGEST / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points, descriptors = cv2.SIFT_create(nfeatures=FEATURES).detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    roots = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-9))
    return Features(np.array([point.pt for point in points], np.float32), roots.astype(np.float32))


def inliers(first: Features, second: Features) -> int:
    """Number of matches that agree on one homography."""
    pairs = matches(first.descriptors, second.descriptors)
    if len(pairs) < INLIERS:
        return 0
    cv2.setRNGSeed(0)
    _, agree = cv2.findHomography(first.points[pairs[:, 0]], second.points[pairs[:, 1]], cv2.RANSAC, SHIFT)
    return 0 if agree is None else int(agree.sum())


def matches(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Positions (m, 2) of descriptors that are each other's nearest and pass the ratio test."""
    if min(len(first), len(second)) < 2:
        return np.empty((0, 2), int)
    likeness = first @ second.T
    rows, best = np.arange(len(first)), likeness.argmax(1)
    mutual = likeness.argmax(0)[best] == rows
    value = likeness[rows, best]
    likeness[rows, best] = -1
    clear = 1 - value < RATIO**2 * (1 - likeness.max(1))  # squared distances of unit vectors are 2 - 2 likeness
    return np.stack([rows, best], 1)[mutual & clear]

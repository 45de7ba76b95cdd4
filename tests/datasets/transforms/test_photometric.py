"""TablePhotoMetricDistortion gives the pixels of mmseg's own transform."""
# ruff: noqa: NPY002 - the transform draws from numpy's global generator

import numpy as np
import pytest
from mmseg.datasets.transforms import PhotoMetricDistortion
from mmseg.registry import TRANSFORMS

from mmseg_ext.datasets.transforms import TablePhotoMetricDistortion

STRONG = dict(brightness_delta=200, contrast_range=(0.1, 3), saturation_range=(0, 4), hue_delta=90)


@pytest.mark.parametrize('options', [{}, STRONG])
def test_every_pixel_and_the_stream_after_it_are_those_of_mmseg(options):
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    before, changed = image.copy(), 0
    for seed in range(200):
        drawn = []
        for transform in (PhotoMetricDistortion(**options), TablePhotoMetricDistortion(**options)):
            np.random.seed(seed)
            drawn.append((transform({'img': image})['img'], np.random.random_sample()))
        assert np.array_equal(drawn[0][0], drawn[1][0])
        assert drawn[0][1] == drawn[1][1]
        assert np.array_equal(image, before)
        changed += not np.array_equal(drawn[0][0], image)
    assert changed > 150


def test_a_flipped_view_is_as_good():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    for seed in range(30):
        results = []
        for given in (image[:, ::-1], image[:, ::-1].copy()):
            np.random.seed(seed)
            results.append(TablePhotoMetricDistortion()({'img': given})['img'])
        assert np.array_equal(*results)


def test_floating_point_is_refused():
    transform = TRANSFORMS.build({'type': 'TablePhotoMetricDistortion'})
    with pytest.raises(TypeError, match='takes uint8 images, got float32; leave out to_float32'):
        transform.convert(np.zeros((4, 4, 3), np.float32))

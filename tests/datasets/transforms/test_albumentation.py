"""The adapter of albumentations: what it refuses, what it does to masks and colours, and its random numbers."""
# ruff: noqa: NPY002 - the transform draws from numpy's global generator

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmcv.transforms.utils import cache_random_params
from mmengine.config import Config
from mmengine.dataset import worker_init_fn
from mmseg.registry import TRANSFORMS

from mmseg_ext.datasets.transforms import Albumentation, DefectCrop
from mmseg_ext.datasets.transforms.albumentation_parts import available
from mmseg_ext.engine.names import type_problems

# Arguments without which a transform cannot be built or does nothing to a picture of 48 x 64.
NEEDED = {
    'AtLeastOneBBoxRandomCrop': dict(height=30, width=30),
    'CenterCrop': dict(height=30, width=30),
    'CoarseDropout': dict(fill_mask=9),
    'Crop': dict(x_max=30, y_max=20),
    'CropAndPad': dict(percent=0.2),
    'CropNonEmptyMaskIfExists': dict(height=20, width=20),
    'GridElasticDeform': dict(num_grid_xy=(4, 4), magnitude=5),
    'LongestMaxSize': dict(max_size=30),
    'Pad': dict(padding=7),
    'RandomCrop': dict(height=30, width=30),
    'RandomResizedCrop': dict(size=(30, 30)),
    'RandomSizedCrop': dict(min_max_height=(20, 30), size=(40, 40)),
    'Resize': dict(height=30, width=77),
    'SmallestMaxSize': dict(max_size=30),
}
# These need boxes, volumes, metadata or Python functions, or leave no picture of 0..255: nothing for a config.
OTHERS = [
    'AtLeastOneBBoxRandomCrop',
    'BBoxSafeRandomCrop',
    'CenterCrop3D',
    'CoarseDropout3D',
    'CubicSymmetry',
    'FDA',
    'FromFloat',
    'HistogramMatching',
    'Lambda',
    'Mosaic',
    'Normalize',
    'OverlayElements',
    'Pad3D',
    'PadIfNeeded3D',
    'PixelDistributionAdaptation',
    'RandomCrop3D',
    'RandomCropNearBBox',
    'RandomSizedBBoxSafeCrop',
    'TextImage',
    'ToFloat',
]
CHOICES = ['OneOf', 'OneOrOther', 'RandomOrder', 'SelectiveChannelTransform', 'Sequential', 'SomeOf']
SINGLE = sorted(set(available()) - set(OTHERS) - set(CHOICES))
LABELS = [0, 3, 7, 200]


def loaded(height: int = 48, width: int = 64) -> dict:
    """A smooth colour picture, a mask of stripes in four values, and a second one that goes with it."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 4 % 256, columns * 3 % 256, (rows + columns) * 2 % 256], axis=2).astype(np.uint8)
    mask = np.array(LABELS, np.uint8)[(rows // 5 + columns // 7) % 4]
    return {'img': image, 'gt_seg_map': mask, 'edges': mask.copy(), 'seg_fields': ['gt_seg_map', 'edges']}


def applied(transform: Albumentation, seed: int) -> dict:
    np.random.seed(seed)
    return transform(loaded())


def test_there_are_transforms_to_test():
    assert len(SINGLE) > 80
    assert {'RandomRotate90', 'CLAHE', 'Affine', 'ElasticTransform', 'NoOp'} <= set(SINGLE)
    assert not {'Compose', 'BasicTransform', 'DualTransform', 'ToTensorV2'} & set(available())


@pytest.mark.filterwarnings('ignore::UserWarning')
@pytest.mark.parametrize('name', SINGLE)
def test_every_transform_keeps_labels_moves_masks_together_and_repeats_with_the_seed(name):
    transform = Albumentation([dict(type=name, p=1) | NEEDED.get(name, {})])
    for seed in (0, 1):
        results = applied(transform, seed)
        assert set(np.unique(results['gt_seg_map'])) <= {*LABELS, 255, 9}
        assert np.array_equal(results['gt_seg_map'], results['edges'])
        assert results['img'].dtype == np.uint8
        assert results['img_shape'] == results['img'].shape[:2] == results['gt_seg_map'].shape
        again = applied(transform, seed)
        assert np.array_equal(results['img'], again['img'])
        assert np.array_equal(results['gt_seg_map'], again['gt_seg_map'])


@pytest.mark.parametrize(
    'name', sorted(n for n, c in available().items() if 'fill_mask' in inspect.signature(c).parameters)
)
def test_space_that_a_transform_opens_is_ignored(name):
    default = inspect.signature(available()[name]).parameters['fill_mask'].default
    if name in OTHERS:
        pytest.skip('needs more than an image and a mask')
    built = Albumentation([dict(type=name) | {k: v for k, v in NEEDED.get(name, {}).items() if k != 'fill_mask'}])
    assert built._compose.transforms[0].fill_mask == (255 if default is not None else None)


def test_a_rotated_mask_has_255_in_its_corners_or_what_is_given():
    turn = dict(type='Rotate', limit=(45, 45), p=1)
    assert applied(Albumentation([turn]), 0)['gt_seg_map'][0, 0] == 255
    assert applied(Albumentation([turn], ignore_index=99), 0)['gt_seg_map'][0, 0] == 99
    assert applied(Albumentation([dict(turn, fill_mask=3)]), 0)['gt_seg_map'][0, 0] == 3


def test_image_and_masks_turn_together():
    results = loaded()
    expected = {key: np.rot90(results[key], 2) for key in ('img', 'gt_seg_map')}
    done = Albumentation([dict(type='HorizontalFlip', p=1), dict(type='VerticalFlip', p=1)])(results)
    for key, array in expected.items():
        assert np.array_equal(done[key], array)


def test_colours_are_rgb_inside_and_bgr_outside():
    results = loaded()
    blue, green, red = np.moveaxis(results['img'].astype(float), 2, 0)
    grey = Albumentation([dict(type='ToGray', p=1)])(results)['img'][..., 0]
    assert np.abs(grey - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 1
    shift = dict(r_shift_limit=(50, 50), g_shift_limit=(0, 0), b_shift_limit=(0, 0))
    before = loaded()['img']
    after = Albumentation([dict(type='RGBShift', p=1, **shift)])(loaded())['img']
    assert np.array_equal(after[..., :2], before[..., :2])
    assert np.array_equal(after[..., 2], np.minimum(before[..., 2].astype(int) + 50, 255))


def flips(transform: Albumentation, draws: int = 200) -> np.ndarray:
    """Whether each call flipped left-right and upside-down (draws, 2)."""
    results, mark = [], np.zeros((4, 6, 3), np.uint8)
    mark[0, 0] = 255
    for _ in range(draws):
        place = np.argwhere(transform({'img': mark, 'seg_fields': []})['img'][..., 0])[0]
        results.append(place > 0)
    return np.array(results)


def test_two_transforms_of_one_call_decide_independently():
    transform = Albumentation([dict(type='HorizontalFlip', p=0.5), dict(type='VerticalFlip', p=0.5)])
    np.random.seed(0)
    seen = flips(transform)
    assert all(0.4 < share < 0.6 for share in seen.mean(axis=0))
    assert 0.4 < (seen[:, 0] == seen[:, 1]).mean() < 0.6


def test_the_stream_is_that_of_numpys_generator_and_moves_on():
    transform = Albumentation([dict(type='HorizontalFlip', p=0.5), dict(type='VerticalFlip', p=0.5)])
    streams = []
    for seed in (3, 3, 4):
        np.random.seed(seed)
        streams.append(flips(transform, 40))
    assert np.array_equal(streams[0], streams[1])
    assert not np.array_equal(streams[0], streams[2])
    with cache_random_params(transform):
        assert len(np.unique(flips(transform, 20), axis=0)) == 1


class Flipped(torch.utils.data.Dataset):
    """Twelve calls of one transform."""

    transform = Albumentation([dict(type='GaussNoise', p=1)])

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(
            self.transform({'img': np.full((8, 8, 3), 128, np.uint8), 'seg_fields': []})['img']
        )


def test_workers_differ_and_repeat_with_the_seed():
    def run(seed: int) -> torch.Tensor:
        def start(worker: int) -> None:
            worker_init_fn(worker, num_workers=2, rank=0, seed=seed)

        return torch.cat(list(torch.utils.data.DataLoader(Flipped(), num_workers=2, worker_init_fn=start)))

    first, again, other = run(0), run(0), run(5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len({image.numpy().tobytes() for image in first}) == 12


def test_choices_build_what_is_in_them():
    inner = [dict(type='HorizontalFlip', p=1), dict(type='HorizontalFlip', p=1)]
    expected = loaded()['img'][:, ::-1]
    assert np.array_equal(applied(Albumentation([dict(type='OneOf', p=1, transforms=inner)]), 0)['img'], expected)
    pair = dict(type='OneOrOther', first=inner[0], second=inner[1], p=0.5)
    assert np.array_equal(applied(Albumentation([pair]), 0)['img'], expected)
    twice = dict(type='Sequential', p=1, transforms=[dict(type='SomeOf', n=1, p=1, transforms=inner), inner[0]])
    assert np.array_equal(applied(Albumentation([twice]), 0)['img'], loaded()['img'])


@pytest.mark.parametrize(
    ('transforms', 'message'),
    [
        (
            [dict(type='RandomRotat90')],
            r'^Albumentation\.0\.RandomRotat90: .*2\.0\.8 has no .*mean RandomRotate90',
        ),
        (
            [dict(type='NoOp'), dict(type='CLAHE', clip_limt=2)],
            r'^Albumentation\.1\.CLAHE: .*"clip_limt".*clip_limit',
        ),
        (
            [dict(type='OneOf', transforms=[dict(type='Blur', blur_lim=3)])],
            r'0\.OneOf\.Blur: .*"blur_lim".*blur_limit',
        ),
        ([dict(type='OneOf', prob=1, transforms=[])], r'0\.OneOf: no argument "prob"'),
        ([dict(type='OneOrOther', first=dict(type='Nop'))], r'0\.OneOrOther\.Nop: .*did you mean NoOp'),
        ([dict(type='Rotate', mask_interpolation=1)], r'Rotate: mask_interpolation=1 would mix class indices'),
        ([dict(type='CLAHE', clip_limit='x')], r"0\.CLAHE\(clip_limit='x'\): .*valid number"),
        ([dict(type='Resize')], r'0\.Resize\(\): .*height'),
        ([dict(type='RandomRotate90', p=3)], r'RandomRotate90: p=3 is no probability'),
        ([dict(type='CLAHE', strict=False)], r'CLAHE: no argument "strict"'),
        ([dict(type='Compose', transforms=[])], r'has no transform "Compose"'),
        ([dict(p=1)], r'Albumentation\.0: a transform is dict\(type=…, …\), got'),
        (dict(type='NoOp'), r'transforms is a list of dict'),
    ],
)
def test_what_the_library_would_pass_over_is_an_error_with_its_place(transforms, message):
    with pytest.raises(ValueError, match=message) as caught:
        Albumentation(transforms)
    assert '\n' not in str(caught.value)


def test_a_transform_that_invents_a_label_is_stopped():
    transform = Albumentation([dict(type='NoOp', p=1)])
    transform._compose.transforms[0].apply_to_mask = lambda mask, **_: mask + 1
    with pytest.raises(ValueError, match=r'edges holds \[1, 4, 8, 201\], which no pixel'):
        transform(loaded())


@pytest.mark.parametrize('image', [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)])
def test_other_images_are_refused(image):
    with pytest.raises(TypeError, match='takes uint8 images of three channels, got'):
        Albumentation([dict(type='NoOp')])({'img': image, 'seg_fields': []})


def test_an_image_that_is_no_longer_one_is_refused():
    with pytest.raises(TypeError, match=r'the image became float32 .*normalising is left to'):
        applied(Albumentation([dict(type='Normalize', p=1)]), 0)


def test_in_a_config_and_before_the_crop():
    steps = [
        dict(
            type='Albumentation',
            transforms=[dict(type='RandomRotate90', p=1), dict(type='Resize', height=40, width=90)],
        ),
        dict(type='DefectCrop', crop_size=32),
    ]
    assert type_problems(Config(dict(train_pipeline=steps))) == []
    assert 'DefectCropp' in type_problems(Config(dict(train_pipeline=[dict(type='DefectCropp')])))[0]
    built = [TRANSFORMS.build(step) for step in steps]
    assert isinstance(built[1], DefectCrop)
    assert 'RandomRotate90' in repr(built[0])
    results = built[0](loaded())
    assert results['img_shape'] == (40, 90)
    assert built[1](results)['gt_seg_map'].shape == results['img_shape']


def test_the_library_does_not_ask_the_network_for_news_of_itself():
    environment = {key: value for key, value in os.environ.items() if key != 'NO_ALBUMENTATIONS_UPDATE'}
    code = (
        'import mmseg_ext.datasets, albumentations.check_version as version\n'
        'raise SystemExit("asked" if version.opener is not None else 0)'
    )
    done = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
